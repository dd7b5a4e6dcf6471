import { GetClusterCredentialsWithIAMCommand } from '@aws-sdk/client-redshift'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { connect, fetchLogin, type Login, redshift } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('The rights of an emulated login', () => {
  let emulator: RedshiftEmulator
  /** Unique in this process, because the specs share a server. */
  const named = (name: string) => `${name}_${process.pid}`
  const [table, user, group] = [named('orders'), named('clerk'), named('readers')]
  before(async () => {
    emulator = await startEmulator()
    await emulator.query(`CREATE TABLE ${table} (id integer); INSERT INTO ${table} VALUES (1)`)
  })
  after(async () => {
    await emulator.query(`DROP TABLE ${table}`)
    await emulator.close()
  })

  /** The result of a query with this login, or the SQLSTATE of its error. */
  const ask = async (login: Pick<Login, 'user' | 'password'>, sql = `SELECT id FROM ${table}`) => {
    const client = await connect(emulator, login)
    try {
      return (await client.query(sql)).rows
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : error
    } finally {
      await client.end()
    }
  }

  it('are those of the database user that current_user shows, with and without AutoCreate', async () => {
    const logins = [
      await fetchLogin(emulator, { DbUser: user, AutoCreate: false }),
      await fetchLogin(emulator, { DbUser: user }),
    ]
    for (const login of logins) expect(await ask(login)).to.equal('42501')
    await emulator.query(`GRANT SELECT ON ${table} TO ${user}`)
    for (const login of logins) {
      expect(await ask(login)).to.deep.equal([{ id: 1 }])
      expect(await ask(login, 'SELECT current_user')).to.deep.equal([{ current_user: user }])
    }
  })

  it('can be granted before the first login, but not to the name with AWS’s prefix', async () => {
    const stranger = named('stranger')
    await emulator.query(`GRANT SELECT ON ${table} TO ${stranger}`)
    expect(await ask(await fetchLogin(emulator, { DbUser: stranger }))).to.deep.equal([{ id: 1 }])
    const wrong = named('IAM:newcomer')
    const error = await rejection(emulator.query(`GRANT SELECT ON ${table} TO "${wrong}"`))
    expect(error.message).to.include(`"${wrong}"`)
  })

  it('include those of the requested groups, in that session only', async () => {
    await emulator.query(`GRANT SELECT ON ${table} TO GROUP ${group}`)
    const member = named('member')
    const alone = await fetchLogin(emulator, { DbUser: member })
    const grouped = await fetchLogin(emulator, { DbUser: member, DbGroups: [group] })
    const client = await connect(emulator, grouped)
    expect(await ask(alone)).to.equal('42501')
    expect((await client.query(`SELECT id FROM ${table}`)).rows).to.deep.equal([{ id: 1 }])
    await client.end()
    await emulator.query(`GRANT INSERT ON ${table} TO ${member}`)
    expect(await ask(grouped, `INSERT INTO ${table} SELECT 2 WHERE false`)).to.deep.equal([])
  })

  it('include those of a group that setup SQL has dropped and created again', async () => {
    const again = named('again')
    const login = await fetchLogin(emulator, { DbUser: named('rejoining'), DbGroups: [again] })
    expect(await ask(login)).to.equal('42501')
    await emulator.query(`DROP ROLE ${again}; CREATE GROUP ${again}; GRANT SELECT ON ${table} TO GROUP ${again}`)
    expect(await ask(login)).to.deep.equal([{ id: 1 }])
  })

  it('include those of a new group, even if a table has the same name', async () => {
    const [readers, log] = [named('auditors'), named('auditors_log')]
    await emulator.query(`CREATE TABLE ${log} (id integer); GRANT SELECT ON ${log} TO GROUP ${readers.toUpperCase()}`)
    expect(await emulator.query(`SELECT rolcanlogin FROM pg_roles WHERE rolname = '${readers}'`)).to.deep.equal([
      { rolcanlogin: false },
    ])
    await emulator.query(`DROP TABLE ${log}`)
  })

  it('are never those of the server’s own roles, which cannot log in', async () => {
    const [{ superuser = '' } = {}] = await emulator.query('SELECT current_user AS superuser')
    const reserved = [`${superuser}`, 'pg_execute_server_program', 'none']
    const refusal = async (login: Pick<Login, 'user' | 'password'>) => {
      const { code, message } = await rejection(connect(emulator, login))
      expect(code).to.equal('42501')
      return message
    }
    for (const name of reserved) {
      const words = `the emulator's PostgreSQL server uses the role "${name}" itself: choose another name`
      expect(await refusal(await fetchLogin(emulator, { DbUser: name }))).to.equal(words)
      expect(await refusal(await fetchLogin(emulator, { DbUser: named('worker'), DbGroups: [name] }))).to.equal(words)
      emulator.identity = name
      const command = new GetClusterCredentialsWithIAMCommand({ ClusterIdentifier: 'examplecluster' })
      const { DbPassword: password = '' } = await redshift(emulator).send(command)
      expect(await refusal({ user: name, password })).to.equal(words)
    }
    emulator.identity = 'IAMR:analyst'
    expect(await emulator.query('SELECT 1 AS one'), 'the superuser can still log in').to.deep.equal([{ one: 1 }])
  })

  it('are those of the whole name if AWS chooses the user', async () => {
    const identity = `IAM:${user}`
    emulator.identity = identity
    const command = new GetClusterCredentialsWithIAMCommand({ ClusterIdentifier: 'examplecluster' })
    const { DbPassword: password = '' } = await redshift(emulator).send(command)
    const login = { user: identity, password }
    await emulator.query(`GRANT SELECT ON ${table} TO ${user}`)
    expect(await ask(login)).to.equal('42501')
    expect(await ask(login, 'SELECT current_user')).to.deep.equal([{ current_user: identity }])
    await emulator.query(`GRANT SELECT ON ${table} TO "${identity}"`)
    expect(await ask(login)).to.deep.equal([{ id: 1 }])
  })
})
