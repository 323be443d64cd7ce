-- The idempotency key of an intent: the same on every attempt, told apart from every other intent's,
-- and printable in any header or comment. Derived, so that nobody can lose it.
create function foreword_code.idempotency_key(p_resource uuid, p_version bigint) returns text
language sql immutable parallel safe
return 'fw-' || encode(uuid_send(p_resource), 'hex') || '-' || p_version::text;
