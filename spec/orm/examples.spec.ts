import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { startEmulator } from '../support/emulator.js'
import { type Life, live } from '../support/example-life.js'
import { programOf, type Row, root, rows } from '../support/orm-table.js'
import { generatePrismaClient } from '../support/prisma.js'

const database = 'tickit'
const categories = ['Musicals', 'Plays', 'Opera']

/** The configured user, and the users that AWS returns one after the other. */
const usersOf = (row: Row) => {
  const first = `IAMR:${row.id}`
  // postgres.js reads the user once.
  return { named: `IAM:${row.id}`, first, next: row.anchor === 'postgresjs' ? first : `${first}-next` }
}

describe('The examples', () => {
  const lives = new Map<Row, { readonly named: Promise<Life>; readonly chosen: Promise<Life> }>()
  const lifeOf = async (row: Row, way: 'named' | 'chosen'): Promise<Life> => {
    const life = await lives.get(row)?.[way]
    if (!life) throw new Error('It was not started.')
    return life
  }

  before(async () => {
    const emulator = await startEmulator({ databases: [database] })
    await emulator.query(`
      CREATE TABLE IF NOT EXISTS category (catid smallint, catgroup varchar(10), catname varchar(10));
      TRUNCATE category;
      INSERT INTO category VALUES (6, 'Shows', 'Musicals'), (7, 'Shows', 'Plays'), (8, 'Shows', 'Opera'), (9, 'Concerts', 'Pop');
      GRANT SELECT ON category TO PUBLIC`)
    await emulator.close()
    await generatePrismaClient()
    for (const row of rows) {
      const { named, first, next } = usersOf(row)
      const program = programOf(row)
      const options = { databases: [database], identity: first, redshiftDialect: row.onRedshift }
      const each = {
        named: live(program, {
          env: emulated => ({
            REDSHIFT_HOST: emulated.poolConfig('provisioned').host,
            REDSHIFT_DATABASE: database,
            REDSHIFT_USER: named,
          }),
          users: [named, named],
          emulator: options,
        }),
        chosen: live(program, {
          env: emulated => ({ REDSHIFT_HOST: emulated.poolConfig('serverless').host, REDSHIFT_DATABASE: database }),
          users: [first, next],
          emulator: options,
        }),
      }
      // Reported by the promise that it rejects.
      for (const life of Object.values(each)) life.catch(() => {})
      lives.set(row, each)
    }
  })
  after(() => rmSync(join(root, '.cache/examples'), { recursive: true, force: true }))

  it('of Prisma type-checks with the generated client', async () => {
    const tsc = ['node_modules/typescript/bin/tsc', '-p', 'examples/prisma']
    const { stdout } = await promisify(execFile)(process.execPath, tsc, { cwd: root }).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).to.equal('')
  })

  for (const row of rows) {
    const { named, first, next } = usersOf(row)

    describe(`of ${row.library}${row.onRedshift ? ', on Redshift,' : ''}`, () => {
      it('logs in as the configured user, and again with the next password', async () => {
        const { responses, operations, logins, loginsBefore } = await lifeOf(row, 'named')
        const response = { user: named.replace('IAM:', ''), categories }
        expect(responses).to.deep.equal([response, response, response])
        expect(operations).to.deep.equal(['GetClusterCredentials', 'GetClusterCredentials'])
        expect(logins).to.deep.equal([
          { user: named, ok: true, serial: 1 },
          { user: named, ok: true, serial: 2 },
        ])
        expect(loginsBefore).to.equal(1)
      })

      it('logs in as the user that AWS returns, and again as the next one', async () => {
        const { responses, operations, logins, loginsBefore } = await lifeOf(row, 'chosen')
        expect(responses).to.deep.equal([
          { user: first, categories },
          { user: first, categories },
          { user: next, categories },
        ])
        // The example of postgres.js fetches the user before the password is needed.
        const before = row.anchor === 'postgresjs' ? 2 : 1
        expect(operations).to.deep.equal(Array(before + 1).fill('GetCredentials'))
        expect(logins).to.deep.equal([
          { user: first, ok: true, serial: before },
          { user: next, ok: true, serial: before + 1 },
        ])
        expect(loginsBefore).to.equal(1)
      })

      it('exits without an error', async () => {
        for (const { end } of [await lifeOf(row, 'named'), await lifeOf(row, 'chosen')]) {
          const stderr = end.stderr.replace(/^An idle connection was lost: .*\n/gm, '')
          expect({ code: end.code, signal: end.signal, stderr }).to.deep.equal({ code: 0, signal: null, stderr: '' })
        }
      })
    })
  }
})
