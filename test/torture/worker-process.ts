/** A worker of a schedule. Prints `alive` once it lives; ends like any worker when it lost its lock. */
import { openSetting, settingOf } from './setting.ts'
import { jumpClock, setTraps } from './trap.ts'

const setting = settingOf()
setTraps()
jumpClock(setting.jumps)
await openSetting(setting).startWorker((reason) => {
  console.log(`lost ${reason}`)
  process.exit(1)
})
console.log('alive')
