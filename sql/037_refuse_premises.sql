-- What a decision says that it relied on comes from its client: settings of its transaction in SQL, a parameter
-- from elsewhere. It may be wrong and then spoils nobody's decision but its own; but it must be of the shape that
-- claims and views spread, or one decision would hold up all of them. Raised where one of these two is so.

-- Whether versions that were read are none.
create function foreword_code.odd_premises(p_resources uuid[], p_versions bigint[]) returns boolean
language sql immutable
return array_position(p_resources, null) is not null
  or array_position(p_versions, null) is not null
  or 0 > any (p_versions);

-- Whether predicates that were read are none.
create function foreword_code.odd_predicates(p_predicates jsonb) returns boolean
language sql immutable
return p_predicates <> '[]' and p_predicates @? '$[*] ? (
  @.type() != "object"
  || !exists(@.scope ? (@.type() == "string"))
  || !exists(@.kind ? (@.type() == "string"))
  || !exists(@.label ? (@.type() == "string"))
  || !exists(@.value ? (@.type() == "string"))
  || !exists(@.digest ? (@.type() == "string"))
  || !exists(@.found ? (@ >= 0 && @ <= 2147483647 && @ == @.floor()))
)';

-- Whether counters that were read are none.
create function foreword_code.odd_counters(p_counters jsonb) returns boolean
language sql immutable
return p_counters <> '[]' and p_counters @? '$[*] ? (
  @.type() != "object"
  || !exists(@.scope ? (@.type() == "string"))
  || !exists(@.metric ? (@.type() == "string"))
  || !exists(@.consumed ? (@ >= -9007199254740991 && @ <= 9007199254740991 && @ == @.floor()))
  || !exists(@.version ? (@ >= 0 && @ <= 9007199254740991 && @ == @.floor()))
)';

create function foreword_code.refuse_premises() returns void
language plpgsql as $$
begin
  raise exception 'what the decision is said to have read is no list of premises'
    using errcode = 'FW028', hint = 'Read by foreword.assume, find and counter, and leave their settings as they are.';
end
$$;
