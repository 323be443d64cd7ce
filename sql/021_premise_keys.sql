-- Keys under which counters and predicates stand among the premises that are looked up by resource.
-- chr(30) in front keeps them apart from every resource: no name may hold it.
create function foreword_code.counter_key(p_scope text, p_metric text) returns uuid
language sql stable parallel safe
return encode(
  substring(
    sha256(convert_to(chr(30) || 'counter' || chr(31) || p_scope || chr(31) || p_metric, 'UTF8')) for 16
  ),
  'hex'
)::uuid;

create function foreword_code.member_key(p_scope text, p_kind text, p_label text, p_value text) returns uuid
language sql stable parallel safe
return encode(
  substring(
    sha256(
      convert_to(
        chr(30) || 'member' || chr(31) || p_scope || chr(31) || p_kind
          || chr(31) || p_label || chr(31) || p_value,
        'UTF8'
      )
    ) for 16
  ),
  'hex'
)::uuid;
