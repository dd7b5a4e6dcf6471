import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftPool } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { Example, type ExampleEnd } from '../support/example.js'
import { codeBlocks, headingAnchors } from '../support/markdown.js'
import { rejection } from '../support/rejection.js'
import { noSockets } from '../support/until.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const run = promisify(execFile)

const docs = read('docs/orms.md')
// Under ten: pg-pool closes idle connections after ten seconds, and this one is to outlive its login.
const lifetimeSeconds = 8
const database = 'tickit'
/** For copies of examples that import an older version. */
const copies = '.cache/examples'

/** A row of the table in docs/orms.md. */
interface Row {
  readonly title: string
  readonly anchor: string
  readonly packages: readonly { readonly name: string; readonly version: string }[]
  readonly file: string
  readonly onRedshift: boolean
}

const rows = [
  ...docs.matchAll(/^\| \[([^\]]+)\]\(#([^)]+)\)([^|]*)\| ([^|]+) \| \[[^\]]+\]\(\.\.\/([^)]+)\) \| (yes|no) \|/gm),
].map(
  ([, library = '', anchor = '', more = '', packages = '', file = '', onRedshift = '']): Row => ({
    title: `${library}${more.trim()}`,
    anchor,
    packages: [...packages.matchAll(/`([^`]+)` ([^,\s]+)/g)].map(([, name = '', version = '']) => ({ name, version })),
    file,
    onRedshift: onRedshift === 'yes',
  }),
)

const { devDependencies }: { devDependencies: Record<string, string> } = JSON.parse(read('package.json'))

/** Under which name a version of a package is installed: its own, or an alias. */
const installedAs = ({ name, version }: Row['packages'][number]): string | undefined =>
  Object.entries(devDependencies)
    .filter(([key, range]) => key === name || range.startsWith(`npm:${name}@`))
    .map(([key]) => key)
    .find(key => JSON.parse(read(`node_modules/${key}/package.json`)).version === version)

/** The example's file; a copy of it where the row is about a version that is installed under another name. */
function programOf({ file, packages }: Row): string {
  const alias = packages
    .map(each => ({ name: each.name, key: installedAs(each) }))
    .find(({ name, key }) => key !== name)
  if (!alias) return file
  const copy = `${copies}/${alias.key}.ts`
  writeFileSync(join(root, copy), read(file).replace(`from '${alias.name}'`, `from '${alias.key}'`))
  return copy
}

const anchorOf = (section: string): string => [...headingAnchors(`## ${section}`)][0] ?? ''

const slug = (file: string): string => file.replace(/^.*\/|\.ts$/g, '')

/** What an example printed, and what the emulator saw of it. */
interface Life {
  readonly answers: readonly { user: string; categories: string[] }[]
  readonly end: ExampleEnd
  readonly operations: readonly string[]
  readonly logins: readonly { user: string; ok: boolean; serial: number | undefined }[]
  /** How many logins there had been when the first login had expired. */
  readonly loginsBefore: number
}

// Two programs start at a time; while they wait for an expiry, others start.
const starting: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()]
let turn = 0
function takeTurn<T>(start: () => Promise<T>): Promise<T> {
  const lane = turn++ % starting.length
  const started = Promise.resolve(starting[lane]).then(start)
  starting[lane] = started.catch(() => {})
  return started
}

/**
 * Runs an example: it asks, asks again when the login has expired, loses its connections, asks with the next login, and ends.
 * @param user names the user; undefined leaves it to AWS, which chooses the users in `identities`, one after the other
 */
async function live(row: Row, user: string | undefined, identities: readonly [string, string]): Promise<Life> {
  const [identity, next] = identities
  const emulator = await startEmulator({
    lifetimeSeconds,
    databases: [database],
    identity,
    redshiftDialect: row.onRedshift,
  })
  try {
    const example = await takeTurn(async () => {
      const { host } = emulator.poolConfig(user ? 'provisioned' : 'serverless')
      const started = new Example(programOf(row), emulator, {
        env: { REDSHIFT_HOST: host, REDSHIFT_DATABASE: database, ...(user && { REDSHIFT_USER: user }) },
      })
      const first = await ask(started)
      return { ask: () => ask(started), end: () => started.end(), first }
    })
    emulator.identity = next
    await delay(expiryOfLast(emulator) - Date.now())
    const second = await example.ask()
    const loginsBefore = emulator.logins.length
    await dropSessions(emulator, user ? [user] : identities)
    const third = await example.ask()
    const end = await example.end()
    return {
      answers: [example.first, second, third],
      end,
      operations: emulator.calls.map(({ operation }) => operation),
      logins: emulator.logins.map(login => ({ user: login.user, ok: login.ok, serial: login.serial })),
      loginsBefore,
    }
  } finally {
    await emulator.close()
  }
}

/** Nothing is downloaded: Prisma 7 needs its schema engine for migrations only, and is told that there is one. */
const generatePrismaClient = (): Promise<unknown> =>
  run(
    process.execPath,
    ['node_modules/prisma/build/index.js', 'generate', '--schema', 'examples/prisma/schema.prisma'],
    {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        CHECKPOINT_DISABLE: '1',
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      },
    },
  )

async function ask(example: Example): Promise<{ user: string; categories: string[] }> {
  return JSON.parse(await example.ask('Shows', line => line.startsWith('{')))
}

const expiryOfLast = (emulator: RedshiftEmulator): number => (emulator.calls.at(-1)?.at ?? 0) + lifetimeSeconds * 1_000

/** Ends the sessions as an administrator would, and waits until the clients have noticed. */
async function dropSessions(emulator: RedshiftEmulator, users: readonly string[]): Promise<void> {
  const names = users.map(user => `'${user}'`).join()
  await emulator.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN (${names})`)
  await noSockets(emulator)
}

describe('docs/orms.md', function () {
  this.timeout(150_000)

  const lives = new Map<Row, { named: Promise<Life>; chosen: Promise<Life> }>()

  before(async () => {
    mkdirSync(join(root, copies), { recursive: true })
    const emulator = await startEmulator({ databases: [database] })
    await emulator.query(`
      CREATE TABLE IF NOT EXISTS category (catid smallint, catgroup varchar(10), catname varchar(10));
      TRUNCATE category;
      INSERT INTO category VALUES (6, 'Shows', 'Musicals'), (7, 'Shows', 'Plays'), (8, 'Shows', 'Opera'), (9, 'Concerts', 'Pop');
      GRANT SELECT ON category TO PUBLIC`)
    await emulator.close()
    await generatePrismaClient()
    for (const row of rows) {
      const name = `${slug(row.file)}-${row.packages[0]?.version}`
      const identity = `IAMR:${name}`
      const named = live(row, `IAM:${name}`, [identity, identity])
      // postgres.js reads the user once.
      const chosen = live(row, undefined, [identity, row.anchor === 'postgresjs' ? identity : `${identity}-next`])
      for (const life of [named, chosen]) life.catch(() => {})
      lives.set(row, { named, chosen })
    }
  })
  after(() => rmSync(join(root, copies), { recursive: true, force: true }))

  it('has a row for each library, and tells the versions that are installed', () => {
    expect(rows).to.have.lengthOf(13)
    for (const { packages } of rows)
      for (const each of packages) expect(installedAs(each), `${each.name} ${each.version}`).to.be.a('string')
  })

  it('shows code of the examples only', () => {
    const sections = docs.split(/^## /m).slice(1)
    const bare = (code: string) => code.replace(/\s+/g, ' ').trim()
    let shown = 0
    for (const section of sections) {
      const row = rows.find(({ anchor }) => anchor === anchorOf(section))
      for (const { code } of codeBlocks(section, 'js')) {
        if (!row) throw new Error(`There is code in a section that no row leads to:\n${code}`)
        expect(bare(read(row.file)), row.file).to.include(bare(code))
        shown++
      }
    }
    expect(shown).to.be.at.least(2 * (new Set(rows.map(({ file }) => file)).size - 1))
  })

  it('names libraries of which Redshift refuses what they send', async () => {
    const unable = [...docs.matchAll(/^\| [\w-]+ \| `([^`]+)` \| (\w{5}) \|$/gm)]
    expect(unable).to.have.lengthOf(4)
    const emulator = await startEmulator({ databases: [database], redshiftDialect: true })
    const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: { aws: emulator.aws } })
    for (const [, sql = '', sqlstate] of unable)
      expect(await rejection(pool.query(sql)), sql).to.have.property('code', sqlstate)
    await pool.end()
    await emulator.close()
  })

  it('has a Prisma example whose types hold with the generated client', async () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = await run(process.execPath, [tsc, '-p', 'examples/prisma'], { cwd: root }).catch(error => error)
    expect(stdout).to.equal('')
  })

  for (const row of rows) {
    const categories = ['Musicals', 'Plays', 'Opera']
    const of = async (way: 'named' | 'chosen'): Promise<Life> => {
      const life = await lives.get(row)?.[way]
      if (!life) throw new Error('It was not started.')
      return life
    }
    const name = `${slug(row.file)}-${row.packages[0]?.version}`

    describe(`its example for ${row.title}${row.onRedshift ? ', on Redshift' : ''}`, () => {
      it('logs in as the user that it names, and again with the next password', async () => {
        const { answers, operations, logins, loginsBefore } = await of('named')
        const answer = { user: `IAM:${name}`, categories }
        expect(answers).to.deep.equal([answer, answer, answer])
        expect(operations).to.deep.equal(['GetClusterCredentials', 'GetClusterCredentials'])
        expect(logins).to.deep.equal([
          { user: `IAM:${name}`, ok: true, serial: 1 },
          { user: `IAM:${name}`, ok: true, serial: 2 },
        ])
        expect(loginsBefore).to.equal(1)
      })

      it('logs in as the user that AWS names, and again as the next one', async () => {
        const { answers, operations, logins, loginsBefore } = await of('chosen')
        const first = { user: `IAMR:${name}`, categories }
        const next = row.anchor === 'postgresjs' ? first : { user: `IAMR:${name}-next`, categories }
        expect(answers).to.deep.equal([first, first, next])
        // postgres.js is told the user, and asks again for the password.
        const calls = row.anchor === 'postgresjs' ? 3 : 2
        expect(operations).to.deep.equal(Array(calls).fill('GetCredentials'))
        expect(logins.every(({ ok }) => ok)).to.equal(true)
        expect(logins[0]).to.include({ user: first.user })
        expect(logins.slice(1).map(({ user, serial }) => [user, serial])).to.deep.include([next.user, calls])
        expect(loginsBefore).to.equal(1)
      })

      it('ends by itself, without an error', async () => {
        for (const { end } of [await of('named'), await of('chosen')]) {
          const stderr = end.stderr.replace(/^An idle connection was lost: .*\n/gm, '')
          expect({ code: end.code, signal: end.signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' })
        }
      })
    })
  }
})
