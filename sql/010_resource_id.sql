-- The id of a resource: the first 128 bits of a SHA-256 over scope, kind and name. Not md5: its
-- collisions can be crafted, and one name could stand for another. None of the three may hold
-- chr(31), so the joined text is unambiguous. src/domain/resource-id.ts computes the same.
create function foreword_code.resource_id(p_scope text, p_kind text, p_name text) returns uuid
language sql stable parallel safe
return encode(
  substring(sha256(convert_to(p_scope || chr(31) || p_kind || chr(31) || p_name, 'UTF8')) for 16),
  'hex'
)::uuid;
