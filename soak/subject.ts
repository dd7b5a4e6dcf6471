/** The process under test: four consumers of the package, which continuously request connections, queries and logins. */
import { subscribe } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapCodeStatistics } from 'node:v8'
import pg from 'pg'
import {
  type FetchEndMessage,
  RedshiftCredentials,
  RedshiftPool,
  redshiftPassword,
  redshiftPoolOptions,
} from 'pg-redshift-iam'
import { gatewayStream } from '../lib/emulator/gateway/gateway-stream.js'
import type { Consumer, LoginOf, Order, Report, Setting, Size } from './protocol.js'

const LOOPS = 3

const tell = (report: Report): void => void process.send?.(report)
const counts = { connections: 0, queries: 0, aborted: 0 }
let working = false
let underWay = 0

/** Runs one request after the other while working, and reports each failure. */
async function loop(consumer: Consumer, login: LoginOf, request: () => Promise<void>): Promise<void> {
  for (;;) {
    while (!working) await sleep(20)
    underWay++
    const from = Date.now()
    try {
      await request()
      await sleep(50 + Math.random() * 50)
    } catch (error) {
      const { message, code } = error as Error & { code?: string }
      tell({ kind: 'failure', failure: { consumer, login, from, to: Date.now(), code, message } })
      await sleep(50)
    } finally {
      underWay--
    }
  }
}

async function query(pool: pg.Pool): Promise<void> {
  await pool.query('select current_user, now()')
  counts.queries++
}

/** Requests a login. Some callers abort while they wait. */
async function ask(credentials: RedshiftCredentials, connection: object, shared: AbortSignal): Promise<void> {
  const own = new AbortController()
  const impatient = Math.random() < 0.2
  const got = credentials.get(connection, { signal: impatient ? own.signal : shared })
  if (!impatient) return void (await got)
  own.abort(new Error('given up'))
  await got.then(
    () => {},
    (error: Error) => {
      if (error.message !== 'given up') throw error
      counts.aborted++
    },
  )
}

/** Calls that may fail, each with a new SDK client. */
async function warmUp({ endpoint, credentials, cluster, workgroup, warmUps }: Setting): Promise<void> {
  for (let i = 0; i < 2 * warmUps; i++) {
    const own = new RedshiftCredentials({ aws: { endpoint, credentials, maxAttempts: 1 }, database: 'dev' })
    await own.get({ host: i % 2 ? cluster : workgroup, user: i % 2 ? 'IAM:carol' : undefined }).catch(() => {})
    await own.close()
  }
}

function start(setting: Setting): () => Promise<Size> {
  const { endpoint, credentials: awsCredentials, gatewayPort, ca, cluster, workgroup } = setting
  const { fetchTimeoutMillis, connectTimeoutMillis: connectionTimeoutMillis } = setting
  const stream = gatewayStream(gatewayPort)
  const source = { aws: { endpoint, credentials: awsCredentials }, fetchTimeoutMillis }
  const common = {
    port: gatewayPort,
    database: 'dev',
    ssl: { ca },
    stream,
    max: LOOPS + 1,
    maxUses: 3,
    idleTimeoutMillis: 500,
    connectionTimeoutMillis,
  }
  const asAlice = { ...common, host: cluster, user: 'IAM:alice' }
  const asBob = { ...common, host: cluster, user: 'IAM:bob' }
  const forWorkgroup = { ...common, host: workgroup }
  const shared = new RedshiftCredentials(source)
  const pools: [Consumer, LoginOf, pg.Pool][] = [
    ['password', 'alice', new pg.Pool({ ...asAlice, password: redshiftPassword(source) })],
    ['pool', 'analyst', new RedshiftPool({ ...forWorkgroup, redshift: source })],
    ['options', 'bob', new pg.Pool(redshiftPoolOptions(shared, asBob))],
  ]
  const { signal } = new AbortController()
  for (const [consumer, login, pool] of pools) {
    pool.on('connect', () => counts.connections++)
    // An idle connection that the server closes is not a failure, because nothing used it.
    pool.on('error', () => {})
    for (let i = 0; i < LOOPS; i++) loop(consumer, login, () => query(pool))
  }
  const asked = { host: cluster, database: 'dev', user: 'IAM:bob' }
  for (let i = 0; i < LOOPS; i++) loop('get', 'bob', () => ask(shared, asked, signal))

  const handles = (): number => process.getActiveResourcesInfo().filter(name => name !== 'Timeout').length
  const atRest = handles()
  const listeners = (): number =>
    [process, ...pools.map(([, , pool]) => pool)]
      .flatMap(emitter => emitter.eventNames().map(name => emitter.listenerCount(name)))
      .reduce((sum, count) => sum + count, getEventListeners(signal, 'abort').length)

  /** Waits until nothing is running and idle connections, including those to AWS, are closed. Then measures. */
  return async () => {
    while (underWay > 0 || pools.some(([, , pool]) => pool.totalCount > 0)) await sleep(20)
    let fewest = handles()
    // AWS closes its idle connections after five seconds.
    for (let waited = 0; waited < 6_000 && fewest > atRest; waited += 100) {
      await sleep(100)
      fewest = Math.min(fewest, handles())
    }
    // Objects with finalizers need another round.
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.()
      await sleep(50)
    }
    // Without machine code, of which V8 generates more the longer a function runs.
    const heapBytes = process.memoryUsage().heapUsed - getHeapCodeStatistics().code_and_metadata_size
    return { heapBytes, handles: fewest, listeners: listeners() }
  }
}

subscribe('pg-redshift-iam:fetch-end', message => {
  const { user, outcome, background, error } = message as FetchEndMessage
  const login = user === 'alice' || user === 'bob' ? user : 'analyst'
  tell({ kind: 'fetch', login, at: Date.now(), outcome, background, code: error?.code })
})
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (what: unknown) =>
    tell({ kind: 'crashed', what: `${event}: ${what instanceof Error ? what.stack : what}` }),
  )

let measure: () => Promise<Size> = () => Promise.reject(new Error('Not started.'))
process.on('message', async (order: Order) => {
  switch (order.kind) {
    case 'start':
      await warmUp(order.setting)
      measure = start(order.setting)
      return tell({ kind: 'ready' })
    case 'work':
      working = true
      return
    case 'rest':
      working = false
      return tell({ kind: 'resting', size: await measure(), counts })
    case 'end':
      process.exit(0)
  }
})
