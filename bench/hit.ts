import { DsqlSigner } from '@aws-sdk/dsql-signer'
import { Signer } from '@aws-sdk/rds-signer'
import pg from 'pg'
import { Bench as Tinybench } from 'tinybench'
import type { Bench, Check, Figure, Result, Setting } from './bench.js'
import { fixedPassword } from './peers/fixed.js'
import { memoized } from './peers/hand-written.js'
import { median, pairedRatio, quantile } from './statistics.js'
import { builtPackage } from './support/build.js'

const HOST = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const BATCH = 100_000
// Signing is slow, so fewer calls are enough.
const SIGNER_BATCH = 1_000

/** A function to call repeatedly. */
interface Contestant {
  readonly name: string
  readonly batch: number
  readonly call: () => Promise<unknown>
}

const FIXED = "async () => 'fixed'"
const PASSWORD = 'redshiftPassword(): password(connection)'
const GET = 'RedshiftCredentials: get(connection)'
const MEMOIZE = "the SDK's memoize"
const RDS = '@aws-sdk/rds-signer: getAuthToken()'
const DSQL = '@aws-sdk/dsql-signer: getDbConnectAuthToken()'

async function contestants(): Promise<Contestant[]> {
  const { RedshiftCredentials, redshiftPassword } = await builtPackage()
  const login = {
    DbUser: 'IAM:alice',
    // About as long as Redshift's passwords.
    DbPassword: 'p'.repeat(400),
    Expiration: new Date(Date.now() + 3_600_000),
  }
  const credentials = new RedshiftCredentials({ durationSeconds: 3_600, aws: { send: async () => login } })
  const password = redshiftPassword(credentials)
  const { connectionParameters } = new pg.Client({
    host: HOST,
    database: 'dev',
    user: 'IAM:alice',
    ssl: true,
    password,
  }) as unknown as { connectionParameters: pg.ClientConfig & { host: string } }
  const connection = connectionParameters as Parameters<typeof password>[0]
  const memo = memoized(
    async () => ({ user: login.DbUser, password: login.DbPassword, expiration: login.Expiration }),
    300_000,
  )
  const keys = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example', sessionToken: 'example'.repeat(100) }
  const signed = { hostname: HOST, region: 'us-west-2', credentials: keys }
  const rds = new Signer({ ...signed, port: 5439, username: 'alice' })
  const dsql = new DsqlSigner(signed)
  return [
    { name: FIXED, batch: BATCH, call: fixedPassword('fixed') },
    { name: PASSWORD, batch: BATCH, call: () => password(connection) },
    { name: GET, batch: BATCH, call: () => credentials.get(connection) },
    { name: MEMOIZE, batch: BATCH, call: memo },
    { name: RDS, batch: SIGNER_BATCH, call: () => rds.getAuthToken() },
    { name: DSQL, batch: SIGNER_BATCH, call: () => dsql.getDbConnectAuthToken() },
  ]
}

/** Nanoseconds per call, in a batch of sequential calls. */
async function timeBatch({ call, batch }: Contestant): Promise<number> {
  const began = performance.now()
  for (let i = 0; i < batch; i++) await call()
  return ((performance.now() - began) / batch) * 1e6
}

/** tinybench runs one contestant after the other. Short rounds in turn, so that a busy moment affects all of them. */
async function measure(all: readonly Contestant[], rounds: number, iterations: number): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>(all.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const bench = new Tinybench({ iterations, time: 0, warmup: round === 0, warmupIterations: 1, warmupTime: 0 })
    for (const contestant of all)
      bench.add(contestant.name, async () => {
        const nanos = await timeBatch(contestant)
        samples.get(contestant.name)?.push(nanos)
        return { overriddenDuration: nanos / 1e6 }
      })
    await bench.run()
  }
  return samples
}

async function run({ quick }: Setting): Promise<Result> {
  const samples = await measure(await contestants(), quick ? 5 : 20, quick ? 1 : 3)
  const all = (name: string): number[] => samples.get(name) ?? []
  const of = (name: string): number => median(all(name))
  const toFixed = (name: string): number => pairedRatio(all(name), all(FIXED))
  const figures = [...samples].flatMap(([subject, values]): Figure[] => [
    {
      subject,
      metric: 'a call, median (95th percentile) of the batches',
      value: median(values),
      also: quantile(values, 0.95),
      unit: 'ns',
    },
    { subject, metric: 'against the fixed function', value: toFixed(subject), unit: '×' },
  ])
  const checks = [PASSWORD, GET].flatMap((name): Check[] => [
    { what: name, value: of(name) / 1_000, unit: 'µs', relation: '≤', limit: 2, exact: false },
    {
      what: `${name}, against the fixed function`,
      value: toFixed(name),
      unit: '×',
      relation: '≤',
      limit: 4,
      quickLimit: 8,
      exact: false,
    },
    {
      what: `the faster signer, against ${name}`,
      value: Math.min(of(RDS), of(DSQL)) / of(name),
      unit: '×',
      relation: '≥',
      limit: 100,
      quickLimit: 50,
      exact: false,
    },
  ])
  return { figures, checks }
}

export const hit: Bench = {
  name: 'hit',
  title: 'A login in the cache',
  about: `Sequential calls, ${BATCH.toLocaleString('en')} in a batch (${SIGNER_BATCH.toLocaleString('en')} for the signers), with pg's own \`ConnectionParameters\`. The signers compute a token for each call, with static AWS keys.`,
  limitations:
    'A connection takes milliseconds, so ten times these figures would not be noticeable. They show that a connection computes, parses and allocates nothing that it does not need.',
  cheap: true,
  run,
}
