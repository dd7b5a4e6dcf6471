import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeBlocks } from '../../spec/support/markdown.js'
import { rows } from '../../spec/support/orm-table.js'
import { generatePrismaClient } from '../../spec/support/prisma.js'
import { NotAsked, type Question } from '../question.js'
import type { Session } from '../session.js'
import { canQuery } from './expiry.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const scratch = '.cache/acceptance'

/** Runs a TypeScript program with this input. Resolves with its output. */
async function run(file: string, session: Session, input = ''): Promise<string> {
  const { target } = session
  if (target.dial.host !== target.host && target.programs.nodeOptions.length === 0)
    throw new NotAsked('a program connects to the host itself, not through --via')
  await session.pace()
  const child = spawn(process.execPath, [...target.programs.nodeOptions, '--import', 'tsx', file], {
    cwd: root,
    timeout: 120_000,
    env: {
      ...process.env,
      ...target.programs.env,
      REDSHIFT_HOST: target.host,
      REDSHIFT_DATABASE: target.database,
      ...(target.dbUser !== undefined && { REDSHIFT_USER: `IAM:${target.dbUser}` }),
    },
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  child.stdin.on('error', () => {}).end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) {
    const cause = output.stderr.split('\n').find(line => /^\s*\w*Error\b/.test(line)) ?? 'no error line'
    throw new Error(`it ended with ${code}: ${cause.trim()}`)
  }
  return output.stdout
}

/** Runs one of the README's examples with this cluster. */
async function runReadme(session: Session, index: number, end: string): Promise<string> {
  const { host, database, dbUser } = session.target
  const code = codeBlocks(readFileSync(join(root, 'README.md'), 'utf8'), 'ts')[index]?.code ?? ''
  mkdirSync(join(root, scratch), { recursive: true })
  const file = join(scratch, `readme-${index}.ts`)
  const program = code
    .replace(/host: '[^']+'/, `host: ${JSON.stringify(host)}`)
    .replace(/database: '[^']+'/, `database: ${JSON.stringify(database)}`)
    .replace(/user: '[^']+'/, `user: ${JSON.stringify(`IAM:${dbUser}`)}`)
  writeFileSync(join(root, file), `${program}\n${end}`)
  try {
    const output = await run(file, session)
    return /current_user: '[^']+'/.test(output) ? 'it runs' : 'it printed no user'
  } finally {
    rmSync(join(root, file))
  }
}

const example = (file: string): Question => ({
  id: `example-${basename(file, '.ts')}`,
  asks: `Does examples/${file} run?`,
  basis: 'documents',
  source: 'the library’s own documentation and source',
  rule: { text: 'Each library gets user and password as a pair.', file: `examples/${file}` },
  eitherWay: 'It runs on the emulator, with and without its Redshift dialect, as the table in docs/orms.md says.',
  change: `docs/orms.md and examples/${file}`,
  expected: () => 'it runs',
  ask: async session => {
    if (!(await hasSampleData(session))) throw new NotAsked('the table category of the sample data TICKIT is missing')
    if (file === 'prisma.ts') await generatePrismaClient()
    const output = await run(join('examples', file), session, 'Shows\n')
    const answer = output.split('\n').find(line => line.startsWith('{"user"')) ?? '{}'
    const { categories } = JSON.parse(answer) as { categories?: unknown }
    return Array.isArray(categories) && categories.length > 0 ? 'it runs' : 'it printed no categories'
  },
})

const sampleData = new WeakMap<Session, Promise<boolean>>()

/** Queried once. */
function hasSampleData(session: Session): Promise<boolean> {
  const known = sampleData.get(session) ?? canQuery(session, 'select 1 from category limit 1')
  sampleData.set(session, known)
  return known
}

/** Programs as users write them. */
export const programQuestions: readonly Question[] = [
  {
    id: 'readme-first-example',
    asks: 'Does the README’s first example run, with a user that you name?',
    basis: 'documents',
    source: 'node-postgres’s documentation and source',
    rule: { text: 'A password function works if the user’s name is known.', file: 'lib/pg/password.ts' },
    eitherWay: 'It runs on the emulator.',
    change: 'README.md',
    only: 'provisioned',
    expected: () => 'it runs',
    ask: async session => {
      if (session.target.dbUser === undefined) throw new NotAsked('set --db-user')
      return runReadme(session, 0, '')
    },
  },
  {
    id: 'readme-second-example',
    asks: 'Does the README’s second example run, with the user that AWS chooses?',
    basis: 'documents',
    source: 'node-postgres’s documentation and source',
    rule: { text: 'The client holds the start-up packet until it has the pair.', file: 'lib/pg/client.ts' },
    eitherWay: 'It runs on the emulator.',
    change: 'README.md',
    expected: () => 'it runs',
    ask: session =>
      runReadme(session, 1, "console.log((await pool.query('select current_user')).rows)\nawait pool.end()\n"),
  },
  ...[...new Set(rows.filter(({ onRedshift }) => onRedshift).map(({ file }) => basename(file)))].map(example),
]
