-- Checks an intent and keeps it until foreword.decide records it. The limits are those of
-- src/decide/changes.ts; what only a provider can check is checked when it is called.
create function foreword_code.check_intent(p_intent jsonb) returns void
language plpgsql as $$
declare
  what constant text := (p_intent ->> 'kind') || '/' || (p_intent ->> 'name');
  options constant jsonb := p_intent -> 'options';
  odd text;
begin
  if (p_intent ->> 'verb') = 'delete' and jsonb_typeof(p_intent -> 'state') <> 'null' then
    raise exception '%: a delete leaves no state', what
      using errcode = 'FW020', hint = 'Give null as the state.';
  end if;
  if (p_intent ->> 'verb') <> 'delete' and jsonb_typeof(p_intent -> 'state') = 'null' then
    raise exception '%: a state of null means absent', what
      using errcode = 'FW020', hint = 'Use the verb delete to intend that it shall be no more.';
  end if;
  if octet_length((p_intent -> 'state')::text) > 256 * 1024 then
    raise exception '%: its state is larger than % bytes', what, 256 * 1024
      using errcode = 'FW023', hint = 'Keep the bulk elsewhere and refer to it.';
  end if;
  perform foreword_code.check_numbers(p_intent -> 'state', what);
  if jsonb_typeof(options) <> 'object' then
    raise exception '%: options must be a JSON object', what
      using errcode = 'FW028', hint = 'Options: labels, counters, needs, args.';
  end if;
  select k into odd
  from jsonb_object_keys(options) k
  where k not in ('labels', 'counters', 'needs', 'args');
  if odd is not null then
    raise exception '%: unknown option %', what, quote_literal(left(odd, 60))
      using errcode = 'FW028', hint = 'Options: labels, counters, needs, args.';
  end if;
  if options ? 'args' and (p_intent ->> 'verb') in ('create', 'update', 'delete') then
    raise exception '%: args of %', what, p_intent ->> 'verb'
      using errcode = 'FW028', hint = 'Only a provider''s own verbs are called with args; a state is in `state`.';
  end if;
  if octet_length((options -> 'args')::text) > 64 * 1024 then
    raise exception '%: its args are larger than % bytes', what, 64 * 1024
      using errcode = 'FW023', hint = 'Keep the bulk elsewhere and refer to it.';
  end if;
  perform foreword_code.check_numbers(options -> 'args', what);
  if
    coalesce(jsonb_typeof(options -> 'labels'), 'object') <> 'object'
    -- Strict: lax paths look into arrays, and ["web"] would pass for "web".
    or options @? 'strict $.labels.* ? (@.type() != "string")'
  then
    raise exception '%: labels must be an object of texts', what
      using errcode = 'FW028', hint = 'Like {"labels": {"role": "web"}}.';
  end if;
  select l.key into odd
  from jsonb_each_text(coalesce(options -> 'labels', '{}')) l
  where length(l.key) not between 1 and 512 or length(l.value) > 512;
  if odd is not null then
    raise exception '%: the label % is empty, or it or its value is too long', what, quote_literal(left(odd, 60))
      using errcode = 'FW028', hint = 'Labels have 1 to 512 characters, their values 512 at most.';
  end if;
  if
    coalesce(jsonb_typeof(options -> 'counters'), 'object') <> 'object'
    or options @? 'strict $.counters.* ? (@.type() != "number" || @ != @.floor() || @ > 9007199254740991 || @ < -9007199254740991)'
  then
    raise exception '%: counters must be an object of whole numbers', what
      using errcode = 'FW024', hint = 'Like {"counters": {"cores": 4}}: what it consumes from now on.';
  end if;
  perform foreword_code.check_name('metric', m.metric)
  from jsonb_object_keys(coalesce(options -> 'counters', '{}')) as m (metric);
  if
    coalesce(jsonb_typeof(options -> 'needs'), 'array') <> 'array'
    or options @? 'strict $.needs[*] ? (@.type() != "string" || !(@ like_regex "^[^/]+/."))'
  then
    raise exception '%: needs must be an array of KIND/NAME', what
      using errcode = 'FW028', hint = 'Like {"needs": ["dns_zone/example.org."]}.';
  end if;
  perform
    foreword_code.check_name('kind', split_part(n, '/', 1)),
    foreword_code.check_name('name', substr(n, strpos(n, '/') + 1))
  from jsonb_array_elements_text(coalesce(options -> 'needs', '[]')) n;
end
$$;

create function foreword.intend(
  scope text,
  kind text,
  name text,
  verb text,
  state jsonb,
  options jsonb default '{}'
) returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  intent jsonb;
  after jsonb := nullif(intend.state, 'null');
begin
  perform foreword_code.must_be_serializable('foreword.intend');
  perform foreword_code.check_name('scope', intend.scope);
  perform foreword_code.check_name('kind', intend.kind);
  perform foreword_code.check_name('name', intend.name);
  perform foreword_code.check_name('verb', intend.verb);
  if after is null and intend.verb not in ('create', 'update', 'delete') then
    after := (select a.state from foreword.assume(intend.scope, intend.kind, intend.name) a);
    if after is null then
      raise exception '%/% is to have % but is assumed absent', intend.kind, intend.name, intend.verb
        using errcode = 'FW011', hint = 'Read it first, and create it where it is absent.';
    end if;
  end if;
  intent := jsonb_build_object(
    'scope', intend.scope,
    'kind', intend.kind,
    'name', intend.name,
    'verb', intend.verb,
    'state', coalesce(after, 'null'),
    'options', coalesce(intend.options, '{}')
  );
  perform foreword_code.check_intent(intent);
  perform foreword_code.note('intents', intent::text);
end
$$;
comment on function foreword.intend(text, text, text, text, jsonb, jsonb) is
  'In a SERIALIZABLE transaction: intends that a resource shall be created, updated, deleted (state null) or called with a provider''s own verb; state is what is assumed afterwards (null: as it is assumed now, which is then a premise); options: labels (object of texts), counters (object of whole numbers: what it consumes from now on), needs (array of KIND/NAME in the same scope), args (anything: what a provider''s own verb is called with). Nothing is written before foreword.decide. FW001, FW011, FW020, FW023 to FW025, FW028: what is wrong is said.';
