import type { EmulatorOptions, RedshiftEmulator } from '../../lib/emulator/index.js'
import { startRedshiftEmulator } from '../../lib/emulator/index.js'

/** An emulator on the server that the run shares, or on its own server if there is none. */
export function startEmulator(options: EmulatorOptions = {}): Promise<RedshiftEmulator> {
  return startRedshiftEmulator({ postgres: process.env.REDSHIFT_EMULATOR_POSTGRES, ...options })
}
