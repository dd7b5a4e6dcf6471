import { Socket } from 'node:net'
import { RedshiftClient } from '@aws-sdk/client-redshift'
import { expect } from 'chai'
import pg from 'pg'
import type { EmulatedOperation, RedshiftEmulator } from '../lib/emulator/index.js'
import {
  RedshiftCredentials,
  type RedshiftOptions,
  RedshiftPgClient,
  RedshiftPool,
  type RedshiftPoolConfig,
  redshiftPoolOptions,
} from '../lib/index.js'
import { cleanUp, startEmulator } from './support/emulator.js'
import { expectError, rejection } from './support/rejection.js'
import { until } from './support/until.js'

describe('A connection without a host', () => {
  let emulator: RedshiftEmulator

  before(async () => {
    emulator = await startEmulator({ customDomains: { 'db.example.com': 'examplecluster' } })
  })
  cleanUp(() => emulator)

  const workgroup = { workgroupName: 'analytics', region: 'us-west-2' }
  const cluster = { clusterIdentifier: 'examplecluster', region: 'us-west-2' }
  /** Sockets are redirected to the emulator, and their arguments show the address that was looked up. */
  const create = (source: RedshiftOptions, config: RedshiftPoolConfig = {}, server = emulator): RedshiftPool => {
    const { database, ssl, stream } = server.poolConfig()
    return new RedshiftPool({ database, ssl, stream, redshift: { aws: server.aws, ...source }, ...config })
  }
  const used = async (pool: pg.Pool): Promise<unknown> => {
    const { rows } = await pool.query('select session_user')
    await pool.end()
    return rows[0].session_user
  }
  const count = (operation: EmulatedOperation): number =>
    emulator.calls.filter(call => call.operation === operation).length

  it('finds a cluster by DescribeClusters, and connects to it with verified TLS', async () => {
    expect(await used(create(cluster))).to.equal('IAMR:analyst')
    expect(count('DescribeClusters')).to.equal(1)
    expect(emulator.calls.find(call => call.operation === 'DescribeClusters')).to.deep.include({
      parameters: { ClusterIdentifier: 'examplecluster' },
      region: 'us-west-2',
    })
    expect(emulator.logins).to.have.length(1)
    expect(emulator.logins[0]).to.include({ host: emulator.poolConfig().host, ok: true })
  })

  it('is refused with a client of the service of the login, if that of the address is another', async () => {
    const { endpoint, credentials } = emulator.aws
    const aws = new RedshiftClient({ endpoint, credentials, region: 'us-west-2' })
    const pool = create({ ...workgroup, dbUser: 'alice', aws })
    expectError(await rejection(pool.query('select 1')), {
      code: 'ERR_REDSHIFT_OPTION',
      names: ['aws', '"Redshift"', '"Redshift Serverless"', 'host'],
      omits: ['login'],
    })
    await pool.end()
    aws.destroy()
  })

  it('finds a workgroup by GetWorkgroup, and connects to it with verified TLS', async () => {
    expect(await used(create(workgroup))).to.equal('IAMR:analyst')
    expect(emulator.calls.find(call => call.operation === 'GetWorkgroup')).to.deep.include({
      parameters: { workgroupName: 'analytics' },
      region: 'us-west-2',
    })
    expect(emulator.logins[0]).to.include({ host: emulator.poolConfig('serverless').host, ok: true })
  })

  it('finds a workgroup for a chosen user too', async () => {
    expect(await used(create({ ...workgroup, dbUser: 'alice' }))).to.equal('IAM:alice')
    expect(emulator.calls.map(call => call.operation)).to.have.members(['GetClusterCredentials', 'GetWorkgroup'])
  })

  it('uses the port that AWS returns, unless one is set', async () => {
    const ports: unknown[] = []
    const stream = () => {
      const socket = emulator.stream()
      const { connect } = socket
      socket.connect = (...args: unknown[]) => {
        ports.push(args)
        return connect.apply(socket, args)
      }
      return socket
    }
    const { host } = emulator.poolConfig('serverless')
    await used(create(workgroup, { stream }))
    await used(create(workgroup, { stream, port: 5440 }))
    await used(create({ ...workgroup, port: 5441 }, { stream }))
    expect(ports).to.deep.equal([
      [emulator.address.port, host],
      [5440, host],
      [5441, host],
    ])
  })

  it('uses a custom domain name as the address, without a look-up', async () => {
    const customDomainName = 'db.example.com'
    expect(await used(create({ ...cluster, customDomainName }))).to.equal('IAMR:analyst')
    expect(emulator.logins[0]).to.include({ host: customDomainName, ok: true })
    expect(count('DescribeClusters')).to.equal(0)
  })

  it('looks up the address once for a pool, and for everything that shares the credentials', async () => {
    const credentials = new RedshiftCredentials({ aws: emulator.aws, ...workgroup })
    const { host: _, ...config } = emulator.poolConfig()
    const pools = [
      new RedshiftPool({ ...config, redshift: credentials }),
      new pg.Pool(redshiftPoolOptions(credentials, config)),
    ]
    await Promise.all(pools.flatMap(pool => Array.from({ length: 10 }, () => pool.query('select pg_sleep(0.01)'))))
    await Promise.all(pools.map(pool => pool.end()))
    const client = new RedshiftPgClient({ ...config, redshift: credentials })
    await client.connect()
    await client.end()
    expect(count('GetWorkgroup')).to.equal(1)
    await credentials.close()
  })

  it('looks nothing up for a client that ended before', async () => {
    const credentials = new RedshiftCredentials({ aws: emulator.aws, ...workgroup, database: 'dev' })
    const reason = new Error('Given up.')
    expect(await rejection(credentials.findAddress({}, AbortSignal.abort(reason)))).to.equal(reason)
    await credentials.close()
    expect(count('GetWorkgroup')).to.equal(0)
  })

  it('looks up the address in parallel with the login', async () => {
    const pool = create(workgroup)
    const holding = emulator.fail({ kind: 'hold' })
    const lookingUp = emulator.fail({ kind: 'hold' }, { operation: 'GetWorkgroup' })
    const user = used(pool)
    await Promise.all([holding.reached(), lookingUp.reached()])
    holding.clear()
    lookingUp.clear()
    expect(await user).to.equal('IAMR:analyst')
  })

  it('looks up the address again after a failed connection, at most once a second', async () => {
    await using moving = await startEmulator()
    const pool = create(workgroup, {}, moving).on('error', () => {})
    const lookUps = () => moving.calls.filter(call => call.operation === 'GetWorkgroup').length
    await pool.query('select 1')
    const restarted = moving.restart({ downMillis: 1_500 })
    await until('it is up again', async () => {
      const { length } = moving.calls
      const failed = await pool.query('select 1').then(
        () => undefined,
        error => error,
      )
      // An address that works is kept: the first failure is that of the open connection.
      expect(lookUps()).to.be.within(1, 4)
      return !failed && length > 0 && lookUps() > 1
    })
    await restarted
    const { length } = moving.calls
    expect(await used(pool)).to.equal('IAMR:analyst')
    expect(moving.calls).to.have.length(length)
  })

  /** Counts how often a connection causes another look-up. spec/address.spec.ts tests its time in simulated time. */
  const forgetting = (credentials: RedshiftCredentials): { times: number } => {
    const forgotten = { times: 0 }
    const find = credentials.findAddress.bind(credentials)
    credentials.findAddress = async (...args) => {
      const found = await find(...args)
      return {
        ...found,
        forget: () => {
          forgotten.times++
          found.forget()
        },
      }
    }
    return forgotten
  }

  it('forgets the address if no connection was established', async () => {
    const redshift = new RedshiftCredentials({ aws: emulator.aws, ...cluster })
    const forgotten = forgetting(redshift)
    const { host: _, ...config } = emulator.poolConfig()
    const stream = () => {
      const socket = new Socket()
      socket.connect = () => socket.destroy(new Error('There is no way there.'))
      return socket
    }
    const failure = rejection(new RedshiftPgClient({ ...config, stream, redshift }).connect())
    expect(await failure).to.have.property('message', 'There is no way there.')
    expect(forgotten.times).to.equal(1)
    await redshift.close()
  })

  it('keeps the address if the failure does not concern it', async () => {
    const redshift = new RedshiftCredentials({ aws: { ...emulator.aws, maxAttempts: 1 }, ...cluster })
    const forgotten = forgetting(redshift)
    const { host: _, ...config } = emulator.poolConfig()
    await used(new RedshiftPool({ ...config, redshift }))
    // The client ends before its socket is open.
    let opened = false
    const stream = () => {
      const socket = new Socket()
      socket.connect = () => {
        opened = true
        return socket
      }
      return socket
    }
    const client = new RedshiftPgClient({ ...config, stream, redshift })
    const failure = rejection(client.connect())
    await until('its socket is asked to open', () => opened)
    await client.end()
    await failure
    const mismatch = new RedshiftPgClient({ ...config, user: 'IAMR:boss', redshift })
    expect(await rejection(mismatch.connect())).to.have.property('code', 'ERR_REDSHIFT_USER_MISMATCH')
    expect(forgotten.times).to.equal(0)
    expect(count('DescribeClusters')).to.equal(1)
    await redshift.close()
  })

  it('keeps the address if the server was reached, even if it rejects the login', async () => {
    const pool = create(workgroup, { maxUses: 1 })
    const forgotten = forgetting(pool.credentials)
    await pool.query('select 1')
    using _ = emulator.fail({ kind: 'reject-login', sqlstate: '53300', message: 'too many' }, { times: 1 })
    expect(await rejection(pool.query('select 1'))).to.have.property('code', '53300')
    expect(await used(pool)).to.equal('IAMR:analyst')
    expect(forgotten.times).to.equal(0)
    expect(count('GetWorkgroup')).to.equal(1)
  })

  describe('fails', () => {
    const fails = async (
      source: RedshiftOptions,
      operation: EmulatedOperation,
      kind: 'access-denied' | 'not-found' | 'throttling' | 'internal-error',
    ): Promise<Error & { code?: string }> => {
      using _ = emulator.fail({ kind }, { operation })
      const pool = create(source)
      const errors = [await rejection(pool.query('select 1')), await rejection(pool.connect())]
      expect(pool.totalCount).to.equal(0)
      await pool.end()
      expect(errors[0]?.message).to.equal(errors[1]?.message)
      return errors[0] as Error
    }

    it('with the missing permission, and the remedy to set host', async () => {
      for (const [source, operation, permission] of [
        [cluster, 'DescribeClusters', 'redshift:DescribeClusters'],
        [workgroup, 'GetWorkgroup', 'redshift-serverless:GetWorkgroup'],
        [{ ...workgroup, dbUser: 'alice' }, 'GetWorkgroup', 'redshift-serverless:GetWorkgroup'],
      ] as const) {
        const error = await fails(source, operation, 'access-denied')
        expectError(error, { code: 'ERR_REDSHIFT_ACCESS_DENIED', names: [permission, 'host'] })
      }
    })

    it('with the name of the workgroup, also for a chosen user', async () => {
      const error = await fails({ ...workgroup, dbUser: 'alice' }, 'GetWorkgroup', 'not-found')
      expectError(error, { code: 'ERR_REDSHIFT_NOT_FOUND', names: ['workgroup "analytics"', 'us-west-2'] })
    })

    it("with AWS's failure, and retries later", async () => {
      const codes = []
      for (const kind of ['not-found', 'internal-error'] as const)
        codes.push(
          (await fails({ ...cluster, aws: { ...emulator.aws, maxAttempts: 1 } }, 'DescribeClusters', kind)).code,
        )
      expect(codes).to.deep.equal(['ERR_REDSHIFT_NOT_FOUND', 'ERR_REDSHIFT_UNAVAILABLE'])
      const pool = create({ ...cluster, aws: { ...emulator.aws, maxAttempts: 1 } })
      const failing = emulator.fail({ kind: 'internal-error' }, { operation: 'DescribeClusters' })
      await rejection(pool.query('select 1'))
      failing.clear()
      const { length } = emulator.calls
      // An immediate second call gets the same failure, without another call to AWS.
      await rejection(pool.query('select 1'))
      expect(emulator.calls).to.have.length(length)
      await until('it is tried again', () =>
        pool.query('select 1').then(
          () => true,
          () => false,
        ),
      )
      await pool.end()
    })

    it('after fetchTimeoutMillis, if AWS does not respond', async () => {
      using _ = emulator.fail({ kind: 'hang' }, { operation: 'DescribeClusters' })
      const pool = create({ ...cluster, fetchTimeoutMillis: 3_000 })
      const error = await rejection(pool.query('select 1'))
      expectError(error, { code: 'ERR_REDSHIFT_TIMEOUT', names: ['"examplecluster"', '3000 ms', 'host'] })
      await pool.end()
    })

    it('if the credentials are closed', async () => {
      const redshift = new RedshiftCredentials({ aws: emulator.aws, ...cluster })
      const { host: _, ...config } = emulator.poolConfig()
      const client = new RedshiftPgClient({ ...config, redshift })
      const holding = emulator.fail({ kind: 'hold' }, { operation: 'DescribeClusters' })
      const failure = rejection(client.connect())
      await holding.reached()
      await redshift.close()
      expect(await failure).to.have.property('code', 'ERR_REDSHIFT_CLOSED')
      holding.clear()
      expect(await rejection(new RedshiftPgClient({ ...config, redshift }).connect())).to.have.property(
        'code',
        'ERR_REDSHIFT_CLOSED',
      )
      expect(emulator.logins).to.have.length(0)
    })

    it('if neither cluster nor workgroup is named', async () => {
      const pool = create({ region: 'us-west-2' })
      const error = await rejection(pool.query('select 1'))
      expectError(error, {
        code: 'ERR_REDSHIFT_TARGET',
        names: ['host', 'clusterIdentifier', 'workgroupName', 'region'],
      })
      await pool.end()
    })
  })
})
