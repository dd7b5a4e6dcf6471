import { expect } from 'chai'
import pg from 'pg'
import type { RedshiftConnection } from '../lib/connection.js'
import { RecordedEnvironment } from '../lib/environment.js'
import { RedshiftCredentials, type RedshiftOptions } from '../lib/index.js'
import { resolveRequest } from '../lib/resolve-request.js'

const HOST = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const OTHER_HOST = HOST.replace('examplecluster', 'othercluster')

/** The members used of a command of the AWS SDK. */
interface Command {
  readonly input: { readonly ClusterIdentifier?: string; readonly DbName?: string; readonly DbUser?: string }
}

/** Gets a login twice, with a variable that changes in between, and returns the parameters of both calls. */
async function callsAcross(
  options: RedshiftOptions,
  connection: RedshiftConnection | undefined,
  name: 'PGHOST' | 'PGDATABASE' | 'PGUSER',
  values: readonly [string, string],
): Promise<Command['input'][]> {
  const inputs: Command['input'][] = []
  const send = async (command: unknown) => {
    const { input } = command as Command
    inputs.push(input)
    const Expiration = new Date(Date.now() + 900_000)
    return { DbUser: `IAM:${input.DbUser ?? 'alice'}`, DbPassword: 'secret', Expiration }
  }
  const credentials = new RedshiftCredentials({ ...options, aws: { send } })
  const before = process.env[name]
  try {
    for (const value of values) {
      process.env[name] = value
      // The second call of each pair is a cache hit.
      for (let i = 0; i < 2; i++) await credentials.get(connection)
    }
  } finally {
    if (before === undefined) delete process.env[name]
    else process.env[name] = before
    await credentials.close()
  }
  return inputs
}

describe('The environment variables of a request', () => {
  it('are used if neither the options nor the connection name the host', async () => {
    const inputs = await callsAcross({ dbUser: 'alice', database: 'dev' }, undefined, 'PGHOST', [HOST, OTHER_HOST])
    expect(inputs.map(input => input.ClusterIdentifier)).to.deep.equal(['examplecluster', 'othercluster'])
  })

  it('are used if neither names the database', async () => {
    const inputs = await callsAcross({ dbUser: 'alice' }, { host: HOST }, 'PGDATABASE', ['dev', 'sales'])
    expect(inputs.map(input => input.DbName)).to.deep.equal(['dev', 'sales'])
  })

  it('are used if pg uses the user name as the database', async () => {
    const { connectionParameters } = new pg.Client({ host: HOST, user: 'alice' }) as unknown as Record<string, object>
    // The second database is not the one that the connection opens.
    const calls = callsAcross({}, connectionParameters, 'PGDATABASE', ['alice', 'sales'])
    const error = await calls.then(
      () => undefined,
      reason => reason,
    )
    expect(error).to.include({ code: 'ERR_REDSHIFT_OPTION' })
  })

  it('are used if neither names the user', async () => {
    const inputs = await callsAcross({}, { host: HOST, database: 'dev' }, 'PGUSER', ['IAM:alice', 'IAM:bob'])
    expect(inputs.map(input => input.DbUser)).to.deep.equal(['alice', 'bob'])
  })

  it('are read again after process.env was replaced, as tests do', async () => {
    const before = process.env
    const inputs: Command['input'][] = []
    const send = async (command: unknown) => {
      inputs.push((command as Command).input)
      return { DbUser: 'IAM:alice', DbPassword: 'secret', Expiration: new Date(Date.now() + 900_000) }
    }
    const credentials = new RedshiftCredentials({ aws: { send } })
    try {
      for (const PGUSER of ['IAM:alice', 'IAM:bob']) {
        process.env = { ...before, PGUSER }
        await credentials.get({ host: HOST, database: 'dev' })
      }
    } finally {
      process.env = before
      await credentials.close()
    }
    expect(inputs.map(input => input.DbUser)).to.deep.equal(['alice', 'bob'])
  })

  it('are ignored if the options or the connection decide', async () => {
    const connection = { host: HOST, database: 'dev', user: 'IAM:alice' }
    for (const options of [{}, { host: HOST, database: 'dev', user: 'IAM:alice' }])
      for (const name of ['PGHOST', 'PGDATABASE', 'PGUSER'] as const)
        expect(await callsAcross(options, connection, name, ['one', 'other'])).to.have.length(1)
  })

  it('are read only if they decide, because reading them is slow', () => {
    const env: { PGHOST?: string; PGDATABASE?: string; PGUSER?: string } = {}
    const complete = new RecordedEnvironment(() => env)
    resolveRequest({}, { host: HOST, database: 'dev', user: 'IAM:alice' }, complete)
    const userless = new RecordedEnvironment(() => env)
    resolveRequest({}, { host: HOST, database: 'dev' }, userless)
    Object.assign(env, { PGHOST: OTHER_HOST, PGDATABASE: 'other' })
    expect([complete.isCurrent(), userless.isCurrent()]).to.deep.equal([true, true])
    env.PGUSER = 'IAM:bob'
    expect([complete.isCurrent(), userless.isCurrent()]).to.deep.equal([true, false])
  })
})

describe('A connection whose properties change while they are read', () => {
  it('does not give the login of one user to another', async () => {
    const send = async (command: unknown) => {
      const { DbUser } = (command as Command).input
      return { DbUser: `IAM:${DbUser}`, DbPassword: 'secret', Expiration: new Date(Date.now() + 900_000) }
    }
    const credentials = new RedshiftCredentials({ aws: { send } })
    const users = ['IAM:alice', 'IAM:bob']
    // An instance of a class, because other objects are checked first, which reads them as well.
    class Connection {
      readonly host = HOST
      readonly database = 'dev'
      get user() {
        return users.shift() ?? 'IAM:bob'
      }
    }
    await credentials.get(new Connection())
    const { user } = await credentials.get({ host: HOST, database: 'dev', user: 'IAM:alice' })
    await credentials.close()
    expect(user).to.equal('IAM:alice')
  })
})
