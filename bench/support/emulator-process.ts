/**
 * A process that holds emulators, so that the server's work does not sit in the event loop that is measured. It is asked by
 * messages: {@link startEmulators} is the other end.
 */

import { type ActiveFault, type RedshiftEmulator, startRedshiftEmulator } from '../../lib/emulator/index.js'
import { serverUrl } from '../../lib/emulator/postgres/server.js'
import { startServer } from '../../lib/emulator/postgres/start-server.js'
import { atDistance } from './distance.js'
import type { Answer, Question, Started } from './emulators.js'
import { overTls } from './https.js'

const server = await startServer()
const emulators: RedshiftEmulator[] = []
const faults: ActiveFault[] = []

async function answer(question: Question): Promise<unknown> {
  if (question.kind === 'start') {
    const emulator = await startRedshiftEmulator({ postgres: serverUrl(server), ...question.options })
    const { host, port, database, ssl } = emulator.poolConfig()
    const number = emulators.push(emulator) - 1
    return { number, host, port, database, ca: ssl.ca, aws: emulator.aws } satisfies Started
  }
  if (question.kind === 'close') {
    for (const emulator of emulators) await emulator.close()
    await server.close()
    return undefined
  }
  const emulator = emulators[question.number]
  if (!emulator) throw new RangeError(`There is no emulator ${question.number}.`)
  if (question.kind === 'distance') return atDistance(emulator.address.port, question.roundTripMillis)
  if (question.kind === 'https') return overTls(emulator.endpoint)
  if (question.kind === 'calls') return emulator.calls.length
  if (question.kind === 'logins') return emulator.logins
  if (question.kind === 'connections') return emulator.connections
  if (question.kind === 'fail') return faults.push(emulator.fail(question.fault))
  emulator.calls.length = 0
  emulator.logins.length = 0
  return undefined
}

process.on('message', (message: { id: number; question: Question }) => {
  const { id, question } = message
  answer(question).then(
    value => process.send?.({ id, value } satisfies Answer),
    error => process.send?.({ id, error: String(error) } satisfies Answer),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ id: 0, value: undefined } satisfies Answer)
