import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Bench, Figure, Result, Setting } from './bench.js'
import { callPerConnection, fetcher, fetchWhenExpired } from './peers/hand-written.js'
import { builtPackage } from './support/build.js'
import { type RemoteEmulator, startEmulators } from './support/emulators.js'

const CONNECTIONS = 1_000
const POOL_SIZE = 200
// Half of it is enough for a thousand logins over TLS, on a slow machine too.
const LIFETIME_SECONDS = 24

const OURS = 'redshiftPassword()'
const HAND_WRITTEN = 'the usual hand-written cache'
const NO_CACHE = 'one call per connection'

/** One way to have a password, on an emulator of its own, so that calls can be counted. */
interface Contestant {
  readonly name: string
  readonly emulator: RemoteEmulator
  readonly password: (connection?: object) => Promise<string>
  /** Waits until the login wants to be replaced. */
  readonly ripe: () => Promise<unknown>
}

/** A thousand connections at once; the API calls that they caused. */
async function burst({ emulator, password }: Contestant): Promise<{ calls: number; seconds: number }> {
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
    Array.from({ length: CONNECTIONS }, async () => {
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
  const { RedshiftCredentials, redshiftPassword } = await builtPackage()
  await using emulators = await startEmulators()
  const start = () => emulators.start({ lifetimeSeconds: LIFETIME_SECONDS })
  const [first, second, third] = await Promise.all([start(), start(), start()])
  const credentials = new RedshiftCredentials({ aws: first.aws })
  const ageing = async (): Promise<void> => {
    while (credentials.status()[0]?.phase !== 'ageing') await sleep(20)
  }
  const contestants: Contestant[] = [
    { name: OURS, emulator: first, password: redshiftPassword(credentials), ripe: ageing },
    {
      name: HAND_WRITTEN,
      emulator: second,
      password: fetchWhenExpired(fetcher(second.aws, 'alice')),
      ripe: () => sleep(LIFETIME_SECONDS * 1_000),
    },
    { name: NO_CACHE, emulator: third, password: callPerConnection(fetcher(third.aws, 'alice')), ripe: () => sleep(0) },
  ]
  const figures: Figure[] = []
  const counts = new Map<string, number>()
  for (const contestant of contestants) {
    for (const when of ['cold', 'across a refresh']) {
      if (when !== 'cold') await contestant.ripe()
      const { calls, seconds } = await burst(contestant)
      log(`${contestant.name}, ${when}: ${calls} calls`)
      counts.set(`${contestant.name}, ${when}`, calls)
      figures.push(
        { subject: contestant.name, metric: `API calls, ${when}`, value: calls, unit: 'calls' },
        { subject: contestant.name, metric: `time for all, ${when}`, value: seconds, unit: 's' },
      )
    }
  }
  await credentials.close()
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
