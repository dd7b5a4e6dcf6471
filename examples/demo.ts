/**
 * A demonstration on the emulator, with logins that are valid for 12 seconds. A stock pg.Pool keeps opening connections while
 * logins rotate, the AWS API fails for three seconds, and a hundred connections are opened at once.
 *
 * npm run demo [-- --seconds 40]
 */
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { type FetchEndMessage, RedshiftCredentials, redshiftPassword } from 'pg-redshift-iam'
import { startRedshiftEmulator } from 'pg-redshift-iam/emulator'

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

const LIFETIME_SECONDS = 12
const OUTAGE_MILLIS = 3_000
const BURST = 100

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '40' } } })
const seconds = Number(values.seconds)
const live = process.stdout.isTTY === true

const emulator = await startRedshiftEmulator({ lifetimeSeconds: LIFETIME_SECONDS })
const credentials = new RedshiftCredentials({ aws: emulator.aws })
const pool = new pg.Pool({
  ...emulator.poolConfig(),
  user: 'IAM:alice',
  password: redshiftPassword(credentials),
  // Every query opens a new connection, which needs a login.
  maxUses: 1,
  max: BURST,
})
pool.on('error', () => {})

const seen = { connections: 0, failed: 0, rotations: 0, failedRefreshes: 0, slowest: 0 }
const began = performance.now()
let fetchedAt = Date.now()
let refreshAt = Number.POSITIVE_INFINITY

subscribe('pg-redshift-iam:fetch-end', message => {
  const { outcome, background, error, pauseMillis } = message as FetchEndMessage
  if (outcome === 'failed') {
    seen.failedRefreshes++
    return say(
      `refresh failed (${error?.code}); the current login stays in use, next attempt in ${pauseMillis} ms at the earliest`,
    )
  }
  if (background) seen.rotations++
  fetchedAt = Date.now()
  refreshAt = credentials.status()[0]?.refreshAt?.getTime() ?? Number.POSITIVE_INFINITY
  say(background ? `login refreshed in the background (rotation ${seen.rotations})` : 'first login fetched')
})

const clock = (): string => `${((performance.now() - began) / 1_000).toFixed(1).padStart(5)} s`
const events: string[] = []

function say(event: string): void {
  const line = `${clock()}  ${event}`
  if (live) events.push(line)
  else console.log(line)
}

async function openConnection(): Promise<void> {
  const asked = performance.now()
  try {
    await pool.query('select current_user')
    seen.connections++
    seen.slowest = Math.max(seen.slowest, performance.now() - asked)
  } catch (error) {
    seen.failed++
    say(`LOGIN FAILED: ${error instanceof Error ? error.message : error}`)
  }
}

/** A progress bar of the current login's lifetime and phases. */
function leaseBar(width = 60): string {
  const [status] = credentials.status()
  if (!status?.expiration || !status.refreshAt) return ''
  const lifetime = status.expiration.getTime() - fetchedAt
  const column = (time: number): number =>
    Math.max(0, Math.min(width, Math.round(((time - fetchedAt) / lifetime) * width)))
  const [now, stale] = [column(Date.now()), column(status.refreshAt.getTime())]
  const cells = Array.from({ length: width }, (_, i) => (i < now ? '█' : i < stale ? '░' : '▒')).join('')
  return `[${cells}] ${status.phase}`
}

function draw(done = false): void {
  const lines = [
    ...events.slice(-8),
    '',
    `  current login   ${leaseBar()}`,
    '                  ░ fresh   ▒ stale: still in use, and being refreshed',
    `  connections     ${seen.connections}`,
    `  logins failed   ${seen.failed}`,
    `  API calls       ${emulator.calls.length}`,
    `  refreshes       ${seen.rotations} (and ${seen.failedRefreshes} failed, unnoticed)`,
  ]
  process.stdout.write(`\u001b[H\u001b[J${lines.join('\n')}\n${done ? '\n' : ''}`)
}

async function outage(): Promise<void> {
  // The worst moment: when the next refresh is due.
  while (Date.now() < refreshAt - 50) await sleep(20)
  say(`the AWS API fails for ${OUTAGE_MILLIS / 1_000} seconds`)
  const fault = emulator.fail({ kind: 'internal-error' })
  await sleep(OUTAGE_MILLIS)
  fault.clear()
  say(`the AWS API works again (${fault.hits} requests failed)`)
}

async function burst(): Promise<void> {
  const before = emulator.calls.length
  await Promise.all(Array.from({ length: BURST }, openConnection))
  say(`${BURST} connections at once, ${emulator.calls.length - before} API calls`)
}

say(`the emulator is up, logins are valid for ${LIFETIME_SECONDS} s; opening connections for ${seconds} s`)
const painter = live ? setInterval(draw, 100) : undefined
await credentials.get({ ...emulator.poolConfig(), user: 'IAM:alice' })

const end = performance.now() + seconds * 1_000
const scenes = [
  { at: seconds * 0.2, play: burst },
  { at: seconds * 0.35, play: outage },
]
const playing: Promise<void>[] = []
while (performance.now() < end) {
  const [next] = scenes
  if (next && performance.now() - began > next.at * 1_000) {
    scenes.shift()
    playing.push(next.play())
  }
  await openConnection()
  await sleep(25)
}
await Promise.all(playing)

clearInterval(painter)
if (live) draw(true)
await pool.end()
await credentials.close()
const calls = emulator.calls.length
await emulator.close()

console.log(
  `${seen.connections} connections opened, ${seen.failed} logins failed, ${seen.rotations} rotations, ${calls} API calls ` +
    `(${seen.failedRefreshes} failed refreshes went unnoticed); the slowest connection took ${Math.round(seen.slowest)} ms.`,
)
process.exitCode = seen.failed === 0 && seen.rotations >= Math.floor(seconds / 10) ? 0 : 1
