import type { EmulatorOptions, RedshiftEmulator } from '../../lib/emulator/index.js'
import { startRedshiftEmulator } from '../../lib/emulator/index.js'
import { noSockets } from './until.js'

/** Starts an emulator on the PostgreSQL server that all specs of a run share, or on its own server if there is none. */
export function startEmulator(options: EmulatorOptions = {}): Promise<RedshiftEmulator> {
  return startRedshiftEmulator({ postgres: process.env.REDSHIFT_EMULATOR_POSTGRES, ...options })
}

/**
 * After each spec of a suite, waits until no socket is open and clears the records; after the last one, closes the emulator. Call it
 * after the hook that ends the suite's own connections.
 */
export function cleanUp(emulatorOf: () => RedshiftEmulator): void {
  afterEach(async () => {
    const emulator = emulatorOf()
    await noSockets(emulator)
    emulator.calls.length = emulator.logins.length = 0
  })
  after(() => emulatorOf().close())
}
