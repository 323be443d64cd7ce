/**
 * An expected error that a person can act on. Rendered as one line:
 * `foreword: what, where; remedy`. Bugs are ordinary throws and keep their stack.
 */
export class ForewordError extends Error {
  override readonly name = 'ForewordError'
  readonly where: string
  readonly remedy: string
  /** 1: it failed. 2: wrong usage. */
  readonly exit_code: 1 | 2

  constructor(
    what: string,
    options: {
      readonly where?: string
      readonly remedy?: string
      readonly exit_code?: 1 | 2
      readonly cause?: unknown
    } = {},
  ) {
    super(what, { cause: options.cause })
    this.where = options.where ?? ''
    this.remedy = options.remedy ?? ''
    this.exit_code = options.exit_code ?? 1
  }
}

/** `foreword: what, where; remedy` on one line, control characters made harmless. */
export const errorLine = (error: ForewordError): string => {
  const line = [
    `foreword: ${error.message}`,
    error.where === '' ? '' : `, ${error.where}`,
    error.remedy === '' ? '' : `; ${error.remedy}`,
  ].join('')
  // eslint-disable-next-line no-control-regex -- names come from outside; a terminal must not obey them.
  return line.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
