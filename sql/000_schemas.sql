-- Rebuilt on every deploy: `foreword` (made by the migrator) is what people may rely on,
-- `foreword_code` is what foreword's own processes call and may change with any release.
drop schema if exists foreword_code cascade;
create schema foreword_code;
