import { setTimeout as delay } from 'node:timers/promises'
import type { EmulatorOptions, RedshiftEmulator } from '../../lib/emulator/index.js'
import { startEmulator } from './emulator.js'
import { Example, type ExampleEnd } from './example.js'
import { noSockets } from './until.js'

/** The response of one of examples/. */
export interface Response {
  readonly user: string
  readonly categories: readonly string[]
}

/** What an example printed, and what the emulator recorded. */
export interface Life {
  readonly responses: readonly Response[]
  readonly end: ExampleEnd
  readonly operations: readonly string[]
  readonly logins: readonly { readonly user: string; readonly ok: boolean; readonly serial: number | undefined }[]
  /** The number of logins when the first login had expired. */
  readonly loginsBefore: number
}

export interface LifeOptions {
  /** Where and as whom it connects, in environment variables. */
  readonly env: (emulator: RedshiftEmulator) => Readonly<Record<string, string>>
  /** The database users that it logs in as, in order. */
  readonly users: readonly [string, string]
  readonly emulator: EmulatorOptions
}

// Under ten: pg-pool closes idle connections after ten seconds, and this one must outlive its login.
const lifetimeSeconds = 8

// Two programs start at a time; while they wait for an expiry, others start.
const starting: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()]
let turn = 0
function takeTurn<T>(start: () => Promise<T>): Promise<T> {
  const lane = turn++ % starting.length
  const started = Promise.resolve(starting[lane]).then(start)
  starting[lane] = started.catch(() => {})
  return started
}

/** Runs an example: sends it a request, another when the login has expired, one after its connections were ended, and stops it. */
export async function live(program: string, { env, users, emulator: options }: LifeOptions): Promise<Life> {
  const emulator = await startEmulator({ ...options, lifetimeSeconds })
  let example: Example | undefined
  try {
    const first = await takeTurn(() => {
      example = new Example(program, emulator, { env: env(emulator) })
      return ask(example)
    })
    if (!example) throw new Error('It was not started.')
    const [user, next] = users
    if (next !== user) emulator.identity = next
    await delay((emulator.calls.at(-1)?.at ?? 0) + lifetimeSeconds * 1_000 - Date.now())
    const second = await ask(example)
    const loginsBefore = emulator.logins.length
    await dropSessions(emulator, users)
    const third = await ask(example)
    const end = await example.end()
    return {
      responses: [first, second, third],
      end,
      operations: emulator.calls.map(({ operation }) => operation),
      logins: emulator.logins.map(login => ({ user: login.user, ok: login.ok, serial: login.serial })),
      loginsBefore,
    }
  } finally {
    example?.kill()
    await emulator.close()
  }
}

/** Libraries also print warnings. */
const ask = async (example: Example): Promise<Response> =>
  JSON.parse(await example.ask('Shows', line => line.startsWith('{')))

/** Ends the sessions as an administrator would, and waits until the clients have noticed. */
async function dropSessions(emulator: RedshiftEmulator, users: readonly string[]): Promise<void> {
  const names = users.map(user => `'${user}'`).join()
  await emulator.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN (${names})`)
  await noSockets(emulator)
}
