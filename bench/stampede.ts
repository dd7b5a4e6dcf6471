import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Bench, Figure, Result, Setting } from './bench.js'
import { callPerConnection, fetcher, fetchWhenExpired } from './peers/hand-written.js'
import { builtPackage } from './support/build.js'
import { type RemoteEmulator, startEmulators } from './support/emulators.js'

const CONNECTIONS = 1_000
const POOL_SIZE = 200
// Half of it is more than a thousand logins take on a busy machine.
const SHORT_SECONDS = 40

const OURS = 'redshiftPassword()'
const HAND_WRITTEN = 'the usual hand-written cache'
const NO_CACHE = 'one call per connection'

type PasswordFunction = (connection?: object) => Promise<string>

/** A way to have a password. */
interface Way {
  readonly name: string
  /** Begins anew, without a login. `ripe` waits until the login wants to be replaced. */
  begin(emulator: RemoteEmulator): { password: PasswordFunction; ripe: () => Promise<unknown> }
}

async function ways(): Promise<Way[]> {
  const { RedshiftCredentials, redshiftPassword } = await builtPackage()
  return [
    {
      name: OURS,
      begin: ({ aws }) => {
        const credentials = new RedshiftCredentials({ aws })
        const ripe = async (): Promise<void> => {
          while (credentials.status()[0]?.phase !== 'stale') await sleep(20)
        }
        return { password: redshiftPassword(credentials), ripe }
      },
    },
    {
      name: HAND_WRITTEN,
      begin: ({ aws }) => {
        const expiry = Date.now() + SHORT_SECONDS * 1_000
        const ripe = (): Promise<unknown> => sleep(Math.max(0, expiry + 1_000 - Date.now()))
        return { password: fetchWhenExpired(fetcher(aws, 'alice')), ripe }
      },
    },
    {
      name: NO_CACHE,
      begin: ({ aws }) => ({ password: callPerConnection(fetcher(aws, 'alice')), ripe: async () => {} }),
    },
  ]
}

/** So many connections at once; the API calls that they cause, and how long it takes. */
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
  // First the logins that are to grow old, so that they do so meanwhile.
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
  for (const { name, emulator, password, ripe } of stale) {
    await ripe()
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
  about: `${CONNECTIONS.toLocaleString('en')} connections at once through a pool of ${POOL_SIZE}: with no login yet, and again when the login in hand wants to be replaced (ours: when it ages; the usual cache: when it has expired). Counted are the API calls. The usual hand-written cache fetches when it has no login or an expired one, and remembers what comes back.`,
  silence:
    'AWS does not publish how many calls it takes before it throttles; the emulator takes any number, so the peers get their thousand logins here.',
  cheap: false,
  run,
}
