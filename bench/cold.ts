import type { Bench, Check, Figure, Result, Setting } from './bench.js'
import { fetcher } from './peers/hand-written.js'
import { median, pairedRatio, quantile, smallest } from './statistics.js'
import { BUILD, builtPackage } from './support/build.js'
import { type RemoteEmulator, startEmulators } from './support/emulators.js'
import { runProgram } from './support/program.js'

const AWS_MILLIS = 100
/** The round trip from another region, or through a VPN. */
const FAR_MILLIS = 20

const FIXED = 'fixed password (nothing to fetch)'
const CLIENT = 'RedshiftPgClient, RedshiftPool'
const PASSWORD = 'redshiftPassword()'
const HAND_WRITTEN = 'fetch, then connect (hand-written)'
const REQUIRED_CLIENT = 'in CommonJS: RedshiftPgClient, RedshiftPool'
const REQUIRED_HAND_WRITTEN = 'in CommonJS: fetch, then connect (hand-written)'
const DSQL = '@aws/aurora-dsql-node-postgres-connector'

/** The programs of the contestants. */
const PROGRAMS: Readonly<Record<string, string>> = {
  [FIXED]: 'cold-fixed.mjs',
  [CLIENT]: 'cold-client.mjs',
  [PASSWORD]: 'cold-password.mjs',
  [HAND_WRITTEN]: 'cold-hand-written.mjs',
  [REQUIRED_CLIENT]: 'cold-client.cjs',
  [REQUIRED_HAND_WRITTEN]: 'cold-hand-written.cjs',
  [DSQL]: 'cold-dsql.mjs',
}

/** The baseline of a contestant: hand-written code in the same module format, because CommonJS always loads faster. */
const handWritten = (name: string): string =>
  name === REQUIRED_CLIENT || name === REQUIRED_HAND_WRITTEN ? REQUIRED_HAND_WRITTEN : HAND_WRITTEN

/** The contestants of a quick run, which detects a slower start. */
const GUARDED = [CLIENT, HAND_WRITTEN, REQUIRED_CLIENT, REQUIRED_HAND_WRITTEN]

const IMPORTED = 'import of pg-redshift-iam'
const REQUIRED = 'require of pg-redshift-iam'

/** The modules that are loaded after pg, and the program that loads them. */
const MODULES: Readonly<Record<string, readonly [program: string, module: string]>> = {
  [IMPORTED]: ['import.mjs', `../../${BUILD}/import/index.mjs`],
  [REQUIRED]: ['require.cjs', `../../${BUILD}/index.cjs`],
  'import of @aws-sdk/client-redshift': ['import.mjs', '@aws-sdk/client-redshift'],
  'require of @aws-sdk/client-redshift': ['require.cjs', '@aws-sdk/client-redshift'],
  'import of @aws-sdk/rds-signer': ['import.mjs', '@aws-sdk/rds-signer'],
  [`import of ${DSQL}`]: ['import.mjs', DSQL],
}

/** Each round runs every contestant once, in turn. */
async function inTurn<T>(
  rounds: number,
  contestants: readonly string[],
  once: (name: string) => Promise<T>,
): Promise<Map<string, T[]>> {
  const samples = new Map<string, T[]>(contestants.map(name => [name, []]))
  for (let round = -1; round < rounds; round++)
    for (const name of contestants) {
      const sample = await once(name)
      // The first round fills the disk's cache.
      if (round >= 0) samples.get(name)?.push(sample)
    }
  return samples
}

/** The programs' environment variables, by round trip to the database. */
async function environments(emulator: RemoteEmulator): Promise<Map<number, Record<string, string>>> {
  const { host, port, database, ca } = emulator.started
  const { user, password } = await fetcher(emulator.aws, 'alice')()
  const aws = await emulator.overTls()
  const near = { host, port, database, ca, aws, user, password }
  const far = { ...near, port: await emulator.atDistance(FAR_MILLIS) }
  const environment = (target: object): Record<string, string> => ({
    BENCH_TARGET: JSON.stringify(target),
    BENCH_AWS_MILLIS: String(AWS_MILLIS),
  })
  return new Map([
    [0, environment(near)],
    [FAR_MILLIS, environment(far)],
  ])
}

/** The time of a first connection, and its processor time. */
interface Sample {
  readonly millis: number
  readonly cpuMillis: number
}

/** The first connections of this many processes, by contestant and distance. */
async function firstConnections(rounds: number, names: readonly string[]): Promise<Map<string, Sample[]>> {
  await using emulators = await startEmulators()
  const emulator = await emulators.start({ lifetimeSeconds: 3_600 })
  const byDistance = await environments(emulator)
  await emulator.fail({ kind: 'latency', millis: AWS_MILLIS })
  const cases = names.flatMap(name => [...byDistance.keys()].map(distance => at(name, distance)))
  return await inTurn(rounds, cases, async one => {
    const [name = '', distance] = one.split(SEPARATOR)
    const env = byDistance.get(Number(distance)) ?? {}
    return await runProgram<Sample>(PROGRAMS[name] ?? '', [], { env })
  })
}

const SEPARATOR = ' at '
const at = (name: string, distance: number): string => `${name}${SEPARATOR}${distance}`

async function run({ quick, log }: Setting): Promise<Result> {
  await builtPackage()
  const contestants = quick ? GUARDED : Object.keys(PROGRAMS)
  log('first connections')
  const first = await firstConnections(quick ? 8 : 25, contestants)
  log('imports')
  const modules = quick ? [IMPORTED, REQUIRED] : Object.keys(MODULES)
  const imports = await inTurn(25, modules, name => {
    const [program = '', module = ''] = MODULES[name] ?? []
    return runProgram<[number, number]>(program, ['pg', module])
  })
  const samples = (name: string, distance: number): Sample[] => first.get(at(name, distance)) ?? []
  const of = (name: string, distance: number): number[] => samples(name, distance).map(({ millis }) => millis)
  const cpuOf = (name: string, distance: number): number[] => samples(name, distance).map(({ cpuMillis }) => cpuMillis)
  const added = (name: string): number[] => (imports.get(name) ?? []).map(([, millis]) => millis)
  const pgs = (imports.get(IMPORTED) ?? []).map(([millis]) => millis)
  const figures: Figure[] = [
    ...contestants.flatMap(subject =>
      [0, FAR_MILLIS].flatMap((distance): Figure[] => [
        {
          subject,
          metric: `round trip ${distance} ms, median (95th percentile)`,
          value: median(of(subject, distance)),
          also: quantile(of(subject, distance), 0.95),
          unit: 'ms',
        },
        {
          subject,
          metric: `round trip ${distance} ms, against fetch, then connect`,
          value: pairedRatio(of(subject, distance), of(handWritten(subject), distance)),
          unit: '×',
        },
      ]),
    ),
    {
      table: 'imports',
      subject: 'import of pg',
      metric: 'median (95th percentile)',
      value: median(pgs),
      also: quantile(pgs, 0.95),
      unit: 'ms',
    },
    ...modules.map(
      (name): Figure => ({
        table: 'imports',
        subject: `${name} after pg`,
        metric: 'median (95th percentile)',
        value: median(added(name)),
        also: quantile(added(name), 0.95),
        unit: 'ms',
      }),
    ),
  ]
  // A quick run shares its cores, so it compares processor time, and the fastest imports: they were disturbed least.
  const compared = quick ? cpuOf : of
  const typical = quick ? smallest : median
  const checks: Check[] = [
    ...[0, FAR_MILLIS].map(
      (distance): Check => ({
        what: `first connection with ${CLIENT}, round trip ${distance} ms, against fetch, then connect`,
        value: pairedRatio(of(CLIENT, distance), of(HAND_WRITTEN, distance)),
        unit: '×',
        relation: '≤',
        limit: 1,
        exact: false,
      }),
    ),
    ...[
      { distance: 0, limit: 1.03, quickLimit: 1.25 },
      { distance: FAR_MILLIS, limit: 0.95, quickLimit: 1.25 },
    ].map(
      ({ distance, limit, quickLimit }): Check => ({
        what: `the same in CommonJS, round trip ${distance} ms${quick ? ', processor time' : ''}`,
        value: pairedRatio(compared(REQUIRED_CLIENT, distance), compared(REQUIRED_HAND_WRITTEN, distance)),
        unit: '×',
        relation: '≤',
        limit,
        quickLimit,
        exact: false,
      }),
    ),
    ...[
      { name: REQUIRED, limit: 7.5, quickLimit: 15 },
      { name: IMPORTED, limit: 9.5, quickLimit: 20 },
    ].map(
      ({ name, limit, quickLimit }): Check => ({
        what: `${name}, beyond pg`,
        value: typical(added(name)),
        unit: 'ms',
        relation: '≤',
        limit,
        quickLimit,
        exact: false,
      }),
    ),
  ]
  return { figures, checks }
}

export const cold: Bench = {
  name: 'cold',
  title: 'The first connection of a process',
  about: `The time from the start of a new process to its first open connection. AWS responds in ${AWS_MILLIS} ms over TLS. The database is on the loopback, without latency, or has a round trip of ${FAR_MILLIS} ms, as from another region or through a VPN. AWS's connector for Aurora DSQL does less: it signs its password itself and loads no API client. It gets AWS credentials in ${AWS_MILLIS} ms, and its time ends when the server rejects its password, which is not valid for Redshift. Programs in CommonJS are compared with hand-written code in CommonJS. Imports are measured after \`pg\`, which every program has.`,
  limitations:
    'Loading the AWS SDK takes most of the time. `pg-redshift-iam` loads it with `require`, which is twice as fast as `import` on Node.js 20 and 22; on Node.js 24 and later, both take the same time. pg calls `redshiftPassword()` after TCP and TLS, so the call to AWS starts late. `RedshiftPool` calls AWS and connects in parallel, which saves round trips. On the loopback there are none, so hand-written CommonJS, which loads only the SDK, is faster there. With `await credentials.get()` at the start of a program, the first connection does not wait for AWS.',
  cheap: true,
  run,
}
