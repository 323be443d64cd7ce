/** The form by which a person rules on an intent, and what it says when it was sent. */
import type { RulingRequest } from '../domain/web-story-ports.ts'
import { html, storable, type Html } from './text.ts'

type Ruling = RulingRequest['ruling']

/** What may be ruled on an intent that stands so; none: nothing is left to a person. */
export type Choice = 'doubt' | 'approval' | 'pending'

interface Option {
  readonly ruling: Ruling
  readonly label: string
  readonly then: string
}

const options: Readonly<Record<Choice, readonly Option[]>> = {
  doubt: [
    {
      ruling: 'happened',
      label: 'It happened',
      then: 'its effect is looked for once more, then it is confirmed',
    },
    {
      ruling: 'did_not_happen',
      label: 'It did not happen',
      then: 'it is called for again, under the same key',
    },
    {
      ruling: 'retry',
      label: 'Nobody knows: try again',
      then: 'there may be two, should the first have happened',
    },
    {
      ruling: 'abandon',
      label: 'Give it up',
      then: 'its version is taken back, and what relied on it with it',
    },
  ],
  approval: [
    { ruling: 'approve', label: 'Approve', then: 'it is carried out' },
    {
      ruling: 'cancel',
      label: 'Cancel',
      then: 'its version is taken back, and what relied on it with it',
    },
  ],
  pending: [
    {
      ruling: 'cancel',
      label: 'Cancel',
      then: 'its version is taken back, and what relied on it with it',
    },
  ],
}

export const choiceOf = (state: string, attempts: number): Choice | null => {
  if (state === 'in_doubt') return 'doubt'
  if (state === 'awaiting_approval') return 'approval'
  return state === 'pending' && attempts === 0 ? 'pending' : null
}

/** What was sent and did not do, with what was said in it, so that nobody types it twice. */
export interface Said {
  readonly problem: string
  readonly remedy: string
  readonly fields: Readonly<Record<string, string>>
}

export interface FormOf {
  readonly intent: number
  readonly name: string
  readonly attempts: number
  readonly choice: Choice
  /** Who rules, unless he says otherwise. */
  readonly person: string
  readonly said?: Said | undefined
  readonly open?: boolean
}

const titles: Readonly<Record<Choice, string>> = {
  doubt: 'Rule on it',
  approval: 'Approve or cancel it',
  pending: 'Cancel it',
}

const radio = (of: FormOf, option: Option): Html => {
  const { ruling, label, then } = option
  const chosen = of.said?.fields['ruling'] === ruling || options[of.choice].length === 1
  return html`<label class="choice"
    ><input type="radio" name="ruling" value="${ruling}" required ${chosen ? 'checked' : ''} /><span
      ><b>${label}</b> <code>${ruling}</code><span class="sub">${then}</span></span
    ></label
  >`
}

const problem = (said: Said | undefined): Html | string =>
  said === undefined
    ? ''
    : html`<p class="problem" role="alert"><b>${said.problem}.</b> ${said.remedy}</p>`

const textField = (
  of: {
    readonly name: string
    readonly label: string
    readonly hint: string
    readonly value: string
  },
  look: { readonly required?: boolean; readonly max: number },
): Html =>
  html`<label class="field"
    ><span>${of.label}</span
    ><input
      name="${of.name}"
      value="${of.value}"
      placeholder="${of.hint}"
      maxlength="${look.max}"
      autocomplete="off"
      autocapitalize="off"
      spellcheck="false"
      ${look.required === true ? 'required' : ''}
  /></label>`

/** Closed until somebody opens it; while he writes in it, the live page leaves it alone. */
export const rulingForm = (of: FormOf): Html => {
  const { intent, attempts, choice, said, name } = of
  const field = (key: string): string => said?.fields[key] ?? ''
  return html`<details
    class="ruling"
    id="rule-${intent}"
    ${of.open === true || said !== undefined ? 'open' : ''}
  >
    <summary>${titles[choice]}</summary>
    ${problem(said)}
    <form method="post" action="/rule">
      <input type="hidden" name="intent" value="${intent}" />
      <input type="hidden" name="attempts" value="${attempts}" />
      <fieldset>
        <legend>${choice === 'doubt' ? 'What became of it?' : 'What shall be done?'}</legend>
        ${options[choice].map((option) => radio(of, option))}
      </fieldset>
      <label class="field wide"
        ><span>Why ${choice === 'doubt' ? '' : html`<span class="soft">(may be empty)</span>`}</span
        ><textarea name="note" rows="2" maxlength="4000" ${choice === 'doubt' ? 'required' : ''}>
${field('note')}</textarea>
      </label>
      ${
        choice === 'doubt'
          ? textField(
              {
                name: 'external_id',
                label: 'Id that the API gave it, if it happened and you know it',
                hint: '',
                value: field('external_id'),
              },
              { max: 1024 },
            )
          : ''
      }
      ${textField({ name: 'by', label: 'Your name', hint: '', value: said === undefined ? of.person : field('by') }, { required: true, max: 512 })}
      ${textField(
        {
          name: 'confirm',
          label: 'To confirm, type the name of the resource, or the ruling',
          hint: name.length <= 40 ? name : '',
          value: '',
        },
        { required: true, max: 600 },
      )}
      <button type="submit" class="${choice === 'approval' ? '' : 'grave'}">
        ${choice === 'doubt' ? 'Rule' : choice === 'pending' ? 'Cancel the intent' : 'Decide'}
      </button>
    </form>
  </details>`
}

const rulings: ReadonlySet<string> = new Set(
  Object.values(options).flatMap((of) => of.map((option) => option.ruling)),
)

const isRuling = (text: string): text is Ruling => rulings.has(text)

/** The number of an intent as it stands in addresses and forms. */
export const idOf = (text: string | null | undefined): number | null => {
  if (text === null || text === undefined || !/^\d{1,16}$/.test(text)) return null
  const id = Number(text)
  return Number.isSafeInteger(id) ? id : null
}

/** A form as it was sent: what it asks for, or null where no page of ours has sent it. */
export const requestOf = (form: URLSearchParams): RulingRequest | null => {
  const ruling = form.get('ruling') ?? ''
  const intent = idOf(form.get('intent'))
  const attempts = idOf(form.get('attempts'))
  if (!isRuling(ruling) || intent === null || attempts === null) return null
  const field = (name: string): string =>
    storable(form.get(name) ?? '')
      .replaceAll('\r\n', '\n')
      .trim()
  const external_id = field('external_id')
  return {
    intent,
    attempts,
    ruling,
    by: field('by'),
    note: field('note'),
    external_id: external_id === '' ? null : external_id,
  }
}

/** The name of the resource, or the word of the ruling however it is written. */
export const isConfirmed = (typed: string, ruling: Ruling, name: string): boolean => {
  const text = typed.trim()
  return (
    text !== '' &&
    (text === name.trim() || text.toLowerCase().replaceAll(/[\s-]+/g, '_') === ruling)
  )
}
