/** For `node --import`: a machine whose clock jumps by hours, back and forth, with every second look at it. */
const RealDate = Date
const hours_ms = 3_600_000
let looks = 0

const jumped = (): number => {
  looks += 1
  return RealDate.now() + (Math.floor(looks / 2) % 2 === 0 ? 5 : -5) * hours_ms
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[]) =>
    Reflect.construct(target, args.length === 0 ? [jumped()] : args) as Date,
  get: (target, key): unknown => (key === 'now' ? jumped : Reflect.get(target, key)),
})
