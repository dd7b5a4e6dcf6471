/**
 * Checks what the code and the emulator assume about Redshift on a real cluster or workgroup. Writes the results to
 * acceptance/RESULT.md and acceptance/result.json, and only reads from the database.
 *
 * npm run acceptance -- --host … --db-name dev [--db-user alice] [--long]
 * npm run acceptance -- --emulator
 */
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { parseRedshiftHost } from 'pg-redshift-iam'
import { startEmulated } from './emulated.js'
import { type Finding, questionsFor } from './question.js'
import { allQuestions } from './questions/all.js'
import { remedy, toJson, toLine, toMarkdown } from './report.js'
import { askAll } from './run.js'
import type { Target } from './target.js'

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

const PACE_MILLIS = 10_000
const DEFAULT_LIFETIME_SECONDS = 900

interface Flags {
  host?: string
  dbName: string
  dbUser?: string
  otherDbName?: string
  dbGroups?: string[]
  via?: string
  long: boolean
  yes: boolean
  emulator: boolean
}

const program: Command = new Command('npm run acceptance --')
  .description('Checks on a cluster or workgroup what this package assumes about Redshift. Only reads.')
  .option('--host <name>', "the cluster's or workgroup's own host name")
  .option('--db-name <name>', 'the database', 'dev')
  .option('--db-user <name>', 'an existing database user, for GetClusterCredentials')
  .option('--other-db-name <name>', 'another existing database')
  .option('--db-groups <names...>', 'two existing database groups')
  .option('--via <host:port>', 'a tunnel to the host')
  .option('--long', 'also wait for a login to expire, which takes 16 minutes', false)
  .option('--yes', 'start without confirmation', false)
  .option('--emulator', 'use the emulator instead', false)
  .parse()
const flags = program.opts<Flags>()

function realTarget(): Target {
  const { dbName, dbUser, otherDbName, dbGroups = [], via, long } = flags
  const host = flags.host?.toLowerCase().replace(/\.$/, '')
  if (host === undefined) program.error("Set --host to a cluster's or workgroup's own host name, or set --emulator.")
  const parsed = parseRedshiftHost(host)
  if (!parsed)
    program.error(
      `--host ${JSON.stringify(host)} is not a Redshift host name. Use the cluster's own name. For a tunnel, add --via.`,
    )
  const [, address, name, dialPort] = /^(?:\[([\da-f:]+)\]|([^:[\]\s]+)):(\d{1,5})$/i.exec(via ?? '') ?? []
  const dialHost = address ?? name ?? ''
  if (via !== undefined && !(Number(dialPort) >= 1 && Number(dialPort) <= 65_535))
    program.error(`--via ${JSON.stringify(via)} is not a host and a port. Write it as localhost:5439 or [::1]:5439.`)
  return {
    kind: parsed.kind,
    host,
    name: parsed.name,
    region: parsed.region,
    dial: via === undefined ? { host, port: 5439 } : { host: dialHost, port: Number(dialPort) },
    ca: undefined,
    database: dbName,
    otherDatabase: otherDbName,
    dbUser,
    dbGroups,
    aws: {},
    stsEndpoint: undefined,
    lifetimeSeconds: DEFAULT_LIFETIME_SECONDS,
    long,
    paceMillis: PACE_MILLIS,
    programs: { env: {}, nodeOptions: [] },
  }
}

async function announce(target: Target): Promise<void> {
  const { kind, long, name } = target
  const cost =
    kind === 'serverless'
      ? 'A paused workgroup resumes, and AWS charges for the time, at least a minute.'
      : 'There is no additional cost. The calls are free.'
  console.log(
    [
      `This checks ${questionsFor(allQuestions, target).length} questions on the ${kind} target ${name}, with the AWS credentials that the SDK finds.`,
      'It calls the AWS API at most six times a minute, some calls with a wrong parameter. It opens about 60 connections, some of',
      'which fail intentionally. It reads from the database and changes nothing.',
      `It takes about ${long ? 20 : 8} minutes. ${cost}`,
      'Passwords, keys and account numbers are masked in the results.',
    ].join('\n'),
  )
  if (flags.yes || !process.stdin.isTTY) return
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  await terminal.question('Press Enter to start, or Ctrl-C to cancel. ')
  terminal.close()
}

const titleOf = ({ kind }: Target, where: string): string =>
  `Acceptance of ${where} (${kind}), ${new Date().toISOString().slice(0, 10)}`

function print(findings: readonly Finding[]): void {
  for (const finding of findings) console.log(toLine(finding))
}

if (flags.emulator) {
  for (const kind of ['provisioned', 'serverless'] as const) {
    const { target, close } = await startEmulated(kind)
    const findings = await askAll(target, allQuestions).finally(close)
    console.log(titleOf(target, 'the emulator'))
    print(findings)
    const others = findings.filter(({ verdict }) => verdict !== 'as expected')
    for (const finding of others) console.error(remedy(finding))
    if (others.length > 0) process.exitCode = 1
  }
} else {
  const target = realTarget()
  await announce(target)
  const findings = await askAll(target, allQuestions, ({ id }) => {
    console.log(`checking ${id} …`)
    return undefined
  })
  print(findings)
  const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
  writeFileSync(path('RESULT.md'), toMarkdown(titleOf(target, 'a real target'), findings))
  writeFileSync(path('result.json'), toJson(titleOf(target, 'a real target'), findings))
  console.log('\nWritten to acceptance/RESULT.md and acceptance/result.json.')
}
