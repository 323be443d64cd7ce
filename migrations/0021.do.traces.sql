-- Where a decision was traced, as W3C writes it, so that whoever carries its intents out, in another process and
-- at another time, can refer to that trace. Null where no span was recorded, which costs a decision nothing.
alter table foreword_private.decision add column traceparent text;
