-- What `think` came to, in an array of one: with premises, input and clock all that a decision was made of, so
-- that it can be made again by other code (foreword replay). Null: the decider does not think, or what it thought
-- is no JSON or too large to keep.
alter table foreword_private.decision add column thought jsonb;
