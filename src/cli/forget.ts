/** `foreword forget`: what is there is known no more, and stays as it is. */
import { serializably } from '../store/system.ts'
import { actorOf } from './actor.ts'
import type { Context } from './context.ts'
import { harmless } from './print.ts'
import { scopeOf } from './scope.ts'
import { openReader } from './session.ts'

export interface ForgetOptions {
  readonly scope?: string
  readonly note?: string
  readonly by?: string
}

export const forget =
  (kind: string, name: string, options: ForgetOptions) =>
  async (context: Context): Promise<number> => {
    const sql = await openReader(context)
    const scope = await scopeOf(sql, options.scope)
    const { by = actorOf(context.env), note = '' } = options
    const [known] = await sql<{ external_id: string | null }[]>`
      select r.external_id
      from foreword.resource r
      where r.scope = ${scope} and r.kind = ${kind} and r.name = ${name}`
    let version = 0
    await serializably(sql, async (tx) => {
      const [row] = await tx<{ version: number }[]>`
        select foreword.forget(${scope}, ${kind}, ${name}, ${by}, ${note}) as version`
      version = row?.version ?? 0
    })
    const external_id = known?.external_id ?? null
    if (context.options.json === true) context.json({ scope, kind, name, version, external_id })
    const id = external_id === null ? '' : ` It is ${external_id} there.`
    context.say(harmless(`Forgotten: ${kind}/${name} in ${scope}, and left as it is.${id}`))
    context.say(
      context.colors.dim(
        harmless(
          `Take it out of stack files, which would make another one. Back: foreword import ${kind} ${name}`,
        ),
      ),
    )
    return 0
  }
