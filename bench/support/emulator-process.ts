/**
 * A process that runs emulators, so that the server does not use the event loop that is measured. {@link startEmulators} sends the
 * requests.
 */

import { type ActiveFault, type RedshiftEmulator, startRedshiftEmulator } from '../../lib/emulator/index.js'
import { startServer } from '../../lib/emulator/postgres/start-server.js'
import { serverUrl } from '../../spec/support/postgres.js'
import { atDistance } from './distance.js'
import type { Query, Reply, Started } from './emulators.js'
import { overTls } from './https.js'

const server = await startServer()
const emulators: RedshiftEmulator[] = []
const faults: ActiveFault[] = []

async function handle(query: Query): Promise<unknown> {
  if (query.kind === 'start') {
    const emulator = await startRedshiftEmulator({ postgres: serverUrl(server), ...query.options })
    const { host, port, database, ssl } = emulator.poolConfig()
    const number = emulators.push(emulator) - 1
    return { number, host, port, database, ca: ssl.ca, aws: emulator.aws } satisfies Started
  }
  if (query.kind === 'close') {
    for (const emulator of emulators) await emulator.close()
    await server.close()
    return undefined
  }
  const emulator = emulators[query.number]
  if (!emulator) throw new RangeError(`There is no emulator ${query.number}.`)
  if (query.kind === 'distance') return atDistance(emulator.address.port, query.roundTripMillis)
  if (query.kind === 'https') return overTls(emulator.endpoint)
  if (query.kind === 'calls') return emulator.calls.length
  if (query.kind === 'logins') return emulator.logins
  if (query.kind === 'connections') return emulator.connections
  if (query.kind === 'fail') return faults.push(emulator.fail(query.fault))
  emulator.calls.length = 0
  emulator.logins.length = 0
  return undefined
}

process.on('message', (message: { id: number; query: Query }) => {
  const { id, query } = message
  handle(query).then(
    value => process.send?.({ id, value } satisfies Reply),
    error => process.send?.({ id, error: String(error) } satisfies Reply),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ id: 0, value: undefined } satisfies Reply)
