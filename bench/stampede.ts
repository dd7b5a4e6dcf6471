import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Bench, Figure, Result, Setting } from './bench.js'
import { callPerConnection, fetcher, fetchWhenExpired } from './peers/hand-written.js'
import { builtPackage } from './support/build.js'
import { type RemoteEmulator, startEmulators } from './support/emulators.js'

const CONNECTIONS = 1_000
const POOL_SIZE = 200
// Half of it is longer than a thousand logins take on a busy machine.
const SHORT_SECONDS = 40

const OURS = 'redshiftPassword()'
const HAND_WRITTEN = 'the usual hand-written cache'
const NO_CACHE = 'one call per connection'

type PasswordFunction = (connection?: object) => Promise<string>

/** A way to get a password. */
interface Way {
  readonly name: string
  /** Starts without a login. `replaceable` waits until the login is due to be replaced. */
  begin(emulator: RemoteEmulator): { password: PasswordFunction; replaceable: () => Promise<unknown> }
}

async function ways(): Promise<Way[]> {
  const { RedshiftCredentials, redshiftPassword } = await builtPackage()
  return [
    {
      name: OURS,
      begin: ({ aws }) => {
        const credentials = new RedshiftCredentials({ aws })
        const replaceable = async (): Promise<void> => {
          while (credentials.status()[0]?.phase !== 'stale') await sleep(20)
        }
        return { password: redshiftPassword(credentials), replaceable }
      },
    },
    {
      name: HAND_WRITTEN,
      begin: ({ aws }) => {
        const expiry = Date.now() + SHORT_SECONDS * 1_000
        const replaceable = (): Promise<unknown> => sleep(Math.max(0, expiry + 1_000 - Date.now()))
        return { password: fetchWhenExpired(fetcher(aws, 'alice')), replaceable }
      },
    },
    {
      name: NO_CACHE,
      begin: ({ aws }) => ({ password: callPerConnection(fetcher(aws, 'alice')), replaceable: async () => {} }),
    },
  ]
}

/** Opens this many connections at once. Returns the number of API calls and the time. */
async function burst(
  emulator: RemoteEmulator,
  password: PasswordFunction,
  connections: number,
): Promise<{ calls: number; seconds: number }> {
  await emulator.forget()
  const pool = new pg.Pool({
    ...emulator.poolConfig(),
    user: 'IAM:alice',
    password: password as () => Promise<string>,
    max: POOL_SIZE,
    maxUses: 1,
  })
  const began = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = await pool.connect()
      client.release()
    }),
  )
  const seconds = (performance.now() - began) / 1_000
  await pool.end()
  await emulator.quiet()
  return { calls: await emulator.calls(), seconds }
}

async function run({ log }: Setting): Promise<Result> {
  await using emulators = await startEmulators()
  const figures: Figure[] = []
  const counts = new Map<string, number>()
  const note = (name: string, when: string, { calls, seconds }: { calls: number; seconds: number }): void => {
    log(`${name}, ${when}: ${calls} calls`)
    counts.set(`${name}, ${when}`, calls)
    figures.push(
      { subject: name, metric: `API calls, ${when}`, value: calls, unit: 'calls' },
      { subject: name, metric: `time for all, ${when}`, value: seconds, unit: 's' },
    )
  }
  const contestants = await ways()
  // First the logins that should become stale, which takes a while.
  const stale = []
  for (const way of contestants) {
    const emulator = await emulators.start({ lifetimeSeconds: SHORT_SECONDS })
    const begun = way.begin(emulator)
    await burst(emulator, begun.password, 1)
    stale.push({ name: way.name, emulator, ...begun })
  }
  for (const way of contestants) {
    const emulator = await emulators.start({ lifetimeSeconds: 3_600 })
    note(way.name, 'cold', await burst(emulator, way.begin(emulator).password, CONNECTIONS))
  }
  for (const { name, emulator, password, replaceable } of stale) {
    await replaceable()
    note(name, 'across a refresh', await burst(emulator, password, CONNECTIONS))
  }
  return {
    figures,
    checks: ['cold', 'across a refresh'].map(when => ({
      what: `API calls for ${CONNECTIONS} connections, ${when}`,
      value: counts.get(`${OURS}, ${when}`) ?? Number.NaN,
      unit: 'calls',
      relation: '=',
      limit: 1,
      exact: true,
    })),
  }
}

export const stampede: Bench = {
  name: 'stampede',
  title: 'A thousand connections at once',
  about: `${CONNECTIONS.toLocaleString('en')} connections at once through a pool of ${POOL_SIZE}: first without a login, then when the login is due to be replaced (this package: when it is stale; the usual cache: when it has expired). The bench counts API calls. The usual hand-written cache fetches a login when it has none or an expired one.`,
  limitations:
    'AWS does not publish how many calls it accepts before it throttles. The emulator accepts any number, so the others get their thousand logins here.',
  cheap: false,
  run,
}
