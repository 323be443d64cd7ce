/** What a login that may only decide says that it has read: its own matter, as long as others can read it. */
import t from 'tap'
import { create, defineDecider } from '../../src/domain/decider.ts'
import { resourceId } from '../../src/domain/resource-id.ts'
import { codeOf } from '../../src/store/connect.ts'
import { testDatabase } from '../support/database.ts'
import { engineOn } from '../support/engine.ts'
import { loginAs } from '../support/login.ts'
import { testConfig } from '../support/settings.ts'

const scope = 'acme'

const make = defineDecider({
  name: 'make',
  version: 1,
  read: () => ({}),
  decide: () => create('vm', 'a', {}),
})

const odd_premises: Readonly<Record<string, { readonly list: string; readonly element: string }>> =
  {
    'a predicate that is a number': { list: 'predicates', element: '5' },
    'a predicate of nothing': { list: 'predicates', element: '{}' },
    'a predicate in a list': { list: 'predicates', element: '[{}]' },
    'a predicate that found a text': {
      list: 'predicates',
      element:
        '{"scope": "s", "kind": "vm", "label": "", "value": "", "labels": {}, "digest": "d", "found": "x"}',
    },
    'a counter that is a text': { list: 'counters', element: '"cores"' },
    'a counter of no version': {
      list: 'counters',
      element: '{"scope": "s", "metric": "cores", "consumed": 1, "version": 1e30}',
    },
    'a resource that is null': { list: 'premises', element: '{"resource": null, "version": 1}' },
    'a version below nothing': {
      list: 'premises',
      element: '{"resource": "00000000-0000-4000-8000-000000000001", "version": -1}',
    },
  }

t.test('who may only decide holds up no worker by what he says that he has read', async (t) => {
  const db = await testDatabase(t)
  const decider = await loginAs(t, db, ['foreword_decider'])
  const engine = engineOn(t, decider.url, testConfig(decider.url))
  t.match(await engine.decide(make, { scope, input: undefined }), { type: 'decided' })
  const tried = (...calls: readonly string[]): Promise<string> =>
    decider.sql
      .begin('isolation level serializable', async (tx) => {
        for (const call of calls) await tx.unsafe(`select ${call}`)
      })
      .then(() => '', codeOf)
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
  for (const [what, { list, element }] of Object.entries(odd_premises)) {
    const in_settings = await tried(
      `set_config('foreword.${list}_1', ${quoted(element)}, true)`,
      `foreword.intend('${scope}', 'vm', 'b', 'create', '{}')`,
      `foreword.decide('by-hand')`,
    )
    t.equal(in_settings, 'FW028', `${what}, in SQL`)
    const one = JSON.parse(element) as { readonly resource?: null; readonly version?: number }
    const of = (other: string): string => (list === other ? `[${element}]` : '[]')
    const premises = list === 'premises' ? [one] : []
    const resources = JSON.stringify(premises.map((p) => p.resource))
    const versions = JSON.stringify(premises.map((p) => p.version))
    const id = crypto.randomUUID()
    const head = `{"id": "${id}", "scope": "${scope}", "decider": "by-hand", "predicates": ${of('predicates')}, "counters": ${of('counters')}, "premise_resources": ${resources}, "premise_versions": ${versions}}`
    t.equal(await tried(`foreword_code.record('[${head}]', '[]')`), 'FW028', what)
    const array = (json: string): string => json.replace('[', '{').replace(']', '}')
    const lone = await tried(
      `foreword_code.record_one('${id}', '${scope}', 'by-hand', 1, '', '', null, 1, now(), '${array(resources)}',
        '${array(versions)}', '${of('predicates')}', '${of('counters')}', '${resourceId(scope, 'vm', 'a')}', '${scope}', 'vm',
        'a', 'update', '{}', false)`,
    )
    t.equal(lone, 'FW028', `${what}, alone`)
  }
  t.same(await db.sql`select count(*)::integer as n from foreword.decision`, [{ n: 1 }])
})
