import { mock } from 'node:test'
import {
  DescribeClustersCommand,
  GetClusterCredentialsCommand,
  GetClusterCredentialsWithIAMCommand,
} from '@aws-sdk/client-redshift'
import { GetCredentialsCommand, GetWorkgroupCommand } from '@aws-sdk/client-redshift-serverless'
import { expect } from 'chai'
import type { EmulatorOptions, Fault, RedshiftEmulator } from '../../lib/emulator/index.js'
import { connect, fetchLogin, redshift, serverless } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

const getClusterCredentials = new GetClusterCredentialsCommand({ ClusterIdentifier: 'examplecluster', DbUser: 'alice' })
const getCredentials = new GetCredentialsCommand({ workgroupName: 'analytics' })

/** The fields of an SDK error that these specs check. */
interface ServiceError extends Error {
  $metadata: { httpStatusCode?: number }
  $response?: { headers: Record<string, string> }
}

describe('A fault of the emulator', () => {
  let emulator: RedshiftEmulator
  const start = async (options: EmulatorOptions = {}) => {
    emulator = await startEmulator(options)
  }
  const fromCluster = async () => (await rejection(redshift(emulator).send(getClusterCredentials))) as ServiceError
  const fromWorkgroup = async () => (await rejection(serverless(emulator).send(getCredentials))) as ServiceError
  beforeEach(() => start())
  afterEach(() => emulator.close())

  describe('that delays or prevents AWS’s response', () => {
    it('holds responses until it is cleared, with the times of that moment', async () => {
      using hold = emulator.fail({ kind: 'hold' })
      const login = fetchLogin(emulator)
      await hold.reached()
      await redshift(emulator).send(new DescribeClustersCommand({}))
      expect(emulator.calls.map(({ status }) => status)).to.deep.equal([undefined, 200])
      const clearedAt = Date.now()
      hold.clear()
      expect((await login).expiration.getTime()).to.be.at.least(clearedAt + 900_000)
      expect(hold.hits).to.equal(1)
    })

    it('holds only as many responses as times says, until it is cleared', async () => {
      const hold = emulator.fail({ kind: 'hold' }, { times: 1 })
      const held = fetchLogin(emulator)
      await hold.reached()
      await fetchLogin(emulator)
      expect(emulator.calls.map(({ status }) => status)).to.deep.equal([undefined, 200])
      hold.clear()
      await held
    })

    it('can be followed by an error for the held request', async () => {
      const hold = emulator.fail({ kind: 'hold' })
      const failure = fromCluster()
      await hold.reached()
      emulator.fail({ kind: 'access-denied' })
      hold.clear()
      expect((await failure).name).to.equal('AccessDenied')
    })

    it('issues no login to a client that disconnected while it was held', async () => {
      const hold = emulator.fail({ kind: 'hold' })
      const abort = new AbortController()
      const failure = rejection(redshift(emulator).send(getClusterCredentials, { abortSignal: abort.signal }))
      await hold.reached()
      abort.abort()
      expect((await failure).name).to.equal('AbortError')
      // The end of the first connection is noticed before a later request on another connection.
      await redshift(emulator).send(new DescribeClustersCommand({}))
      hold.clear()
      const login = await fetchLogin(emulator)
      await (await connect(emulator, login)).end()
      expect(emulator.logins[0]?.serial).to.equal(1)
      expect(emulator.calls[0]?.status).to.equal(undefined)
    })

    it('delays responses by millis, or until it is cleared', async () => {
      const brief = emulator.fail({ kind: 'latency', millis: 100 }, { times: 1 })
      const before = performance.now()
      await fetchLogin(emulator)
      expect(performance.now() - before).to.be.at.least(99)
      expect(brief.hits).to.equal(1)
      const long = emulator.fail({ kind: 'latency', millis: 3_600_000 })
      const login = fetchLogin(emulator)
      await long.reached()
      long.clear()
      await login
    })

    it('never responds, not even when it is cleared', async () => {
      const hang = emulator.fail({ kind: 'hang' })
      const failure = fromCluster()
      await hang.reached()
      hang.clear()
      await fetchLogin(emulator)
      expect(emulator.calls[0]?.status).to.equal(undefined)
      await emulator.close()
      expect(await failure).to.have.property('code', 'ECONNRESET')
    })

    it('resets the connection', async () => {
      emulator.fail({ kind: 'reset' })
      expect(await fromCluster()).to.have.property('code', 'ECONNRESET')
    })
  })

  describe('that makes AWS respond with an error', () => {
    const cases: [Fault, [string, number], [string, number], RegExp][] = [
      [{ kind: 'throttling' }, ['Throttling', 400], ['ThrottlingException', 400], /^Rate exceeded$/],
      [{ kind: 'internal-error' }, ['InternalFailure', 500], ['InternalServerException', 500], /internal error/],
      [{ kind: 'expired-token' }, ['ExpiredToken', 403], ['ExpiredTokenException', 400], /is expired$/],
      [{ kind: 'invalid-token' }, ['InvalidClientTokenId', 403], ['UnrecognizedClientException', 400], /is invalid\.$/],
      [{ kind: 'not-found' }, ['ClusterNotFoundFault', 404], ['ResourceNotFoundException', 400], /not found\.$/],
      [
        { kind: 'unsupported' },
        ['UnsupportedOperationFault', 400],
        ['UnsupportedOperationException', 400],
        /isn't supported/,
      ],
      [
        { kind: 'validation', message: '1 > 0 & 1' },
        ['ValidationError', 400],
        ['ValidationException', 400],
        /^1 > 0 & 1$/,
      ],
    ]
    for (const [fault, cluster, workgroup, message] of cases) {
      it(`responds with ${fault.kind} in both protocols`, async () => {
        emulator.fail(fault)
        for (const [error, [name, status]] of [
          [await fromCluster(), cluster],
          [await fromWorkgroup(), workgroup],
        ] as const) {
          expect(error).to.have.property('name', name)
          expect(error.message).to.match(message)
          expect(error.$metadata.httpStatusCode).to.equal(status)
        }
      })
    }

    it('sends Retry-After', async () => {
      emulator.fail({ kind: 'throttling', retryAfterSeconds: 7 }, { times: 2 })
      expect((await fromCluster()).$response?.headers['retry-after']).to.equal('7')
      expect((await fromWorkgroup()).$response?.headers['retry-after']).to.equal('7')
      emulator.fail({ kind: 'internal-error', retryAfterSeconds: 8 })
      expect((await fromCluster()).$response?.headers['retry-after']).to.equal('8')
    })

    it('denies access with AWS’s message', async () => {
      emulator.fail({ kind: 'access-denied' })
      expect(await fromCluster()).to.include({
        name: 'AccessDenied',
        message:
          'User: arn:aws:sts::123456789012:assumed-role/analyst/session is not authorized to perform: ' +
          'redshift:GetClusterCredentials on resource: arn:aws:redshift:us-west-2:123456789012:dbuser:examplecluster/alice ' +
          'because no identity-based policy allows the redshift:GetClusterCredentials action',
      })
      const { workgroup } = await serverless(emulator).send(new GetWorkgroupCommand({ workgroupName: 'analytics' }))
      // The ARN ends with the ID, not the name.
      expect(workgroup?.workgroupArn).to.match(
        /^arn:aws:redshift-serverless:us-west-2:123456789012:workgroup\/[\da-f-]{36}$/,
      )
      expect(workgroup?.workgroupArn).to.include(workgroup?.workgroupId)
      expect(await fromWorkgroup()).to.include({
        name: 'AccessDeniedException',
        message:
          'User: arn:aws:sts::123456789012:assumed-role/analyst/session is not authorized to perform: ' +
          'redshift-serverless:GetCredentials on resource: ' +
          `${workgroup?.workgroupArn} ` +
          'because no identity-based policy allows the redshift-serverless:GetCredentials action',
      })
    })

    it('repeats the session token for a wrong signature, as AWS does', async () => {
      emulator.fail({ kind: 'signature-mismatch' })
      for (const [error, name] of [
        [await fromCluster(), 'SignatureDoesNotMatch'],
        [await fromWorkgroup(), 'InvalidSignatureException'],
      ] as const) {
        expect(error).to.have.property('name', name)
        expect(error.message).to.include('The Canonical String for this request should have been')
        expect(error.message).to.include(`x-amz-security-token:${emulator.aws.credentials.sessionToken}`)
      }
    })

    it('uses the oldest fault', async () => {
      const first = emulator.fail({ kind: 'throttling' }, { times: 1 })
      const second = emulator.fail({ kind: 'access-denied' })
      expect((await fromCluster()).name).to.equal('Throttling')
      expect([first.hits, second.hits]).to.deep.equal([1, 0])
      expect((await fromCluster()).name).to.equal('AccessDenied')
      expect([first.hits, second.hits]).to.deep.equal([1, 1])
    })
  })

  describe('that makes AWS’s response malformed', () => {
    it('omits a field', async () => {
      for (const [how, field] of [
        ['no-user', 'dbUser'],
        ['no-password', 'dbPassword'],
        ['no-expiration', 'expiration'],
      ] as const) {
        using _ = emulator.fail({ kind: 'malformed', how })
        const cluster: Record<string, unknown> = { ...(await redshift(emulator).send(getClusterCredentials)) }
        const workgroup: Record<string, unknown> = { ...(await serverless(emulator).send(getCredentials)) }
        expect(cluster[`${field.charAt(0).toUpperCase()}${field.slice(1)}`]).to.equal(undefined)
        expect(workgroup[field]).to.equal(undefined)
      }
    })

    it('empties a field', async () => {
      for (const how of ['empty-user', 'empty-password'] as const) {
        using _ = emulator.fail({ kind: 'malformed', how })
        const cluster = await redshift(emulator).send(getClusterCredentials)
        const workgroup = await serverless(emulator).send(getCredentials)
        expect(how === 'empty-user' ? cluster.DbUser : cluster.DbPassword).to.equal('')
        expect(how === 'empty-user' ? workgroup.dbUser : workgroup.dbPassword).to.equal('')
      }
    })

    it('sets the expiration to the past, the far future, or an invalid time', async () => {
      using past = emulator.fail({ kind: 'malformed', how: 'past-expiration' })
      expect((await fetchLogin(emulator)).expiration.getTime()).to.be.below(Date.now())
      past.clear()
      using far = emulator.fail({ kind: 'malformed', how: 'far-expiration' })
      expect((await fetchLogin(emulator)).expiration.getTime()).to.be.above(Date.now() + 3650 * 86_000_000)
      far.clear()
      emulator.fail({ kind: 'malformed', how: 'nan-expiration' })
      expect((await fromCluster()).message).to.match(/^Invalid .*timestamp/i)
      const { expiration } = await serverless(emulator).send(getCredentials)
      expect(expiration?.getTime()).to.be.NaN
    })

    it('truncates the document after the password, or sends none', async () => {
      for (const how of ['truncated', 'not-a-document'] as const) {
        using _ = emulator.fail({ kind: 'malformed', how })
        const failures = [await fromCluster(), await fromWorkgroup()]
        for (const error of failures) expect(error.$metadata?.httpStatusCode ?? 200).to.equal(200)
      }
      using _ = emulator.fail({ kind: 'malformed', how: 'empty-body' })
      expect((await redshift(emulator).send(getClusterCredentials)).DbPassword).to.equal(undefined)
      expect((await serverless(emulator).send(getCredentials)).dbPassword).to.equal(undefined)
    })

    it('repeats the last expiration of the same login, with a new password or the old one', async () => {
      const first = await fetchLogin(emulator)
      using fault = emulator.fail({ kind: 'same-expiry' })
      const second = await fetchLogin(emulator)
      expect(second.expiration).to.deep.equal(first.expiration)
      expect(second.password).not.to.equal(first.password)
      fault.clear()
      using _ = emulator.fail({ kind: 'same-expiry', samePassword: true })
      expect(await fetchLogin(emulator)).to.deep.equal(second)
      const other = await fetchLogin(emulator, { DbUser: 'bob' })
      expect(other.expiration.getTime()).to.be.above(first.expiration.getTime())
    })
  })

  describe('in AWS’s clock', () => {
    it('changes all times of the response, and the tolerance for the request’s date', async () => {
      for (const seconds of [-200, 200]) {
        using fault = emulator.fail({ kind: 'clock-skew', seconds })
        const before = Date.now()
        const command = new GetClusterCredentialsWithIAMCommand({ ClusterIdentifier: 'examplecluster' })
        const headers = dateHeaders(command)
        const { Expiration, NextRefreshTime } = await redshift(emulator).send(command)
        for (const time of [Expiration, NextRefreshTime]) {
          const moved = (time?.getTime() ?? 0) - (900 + seconds) * 1000
          expect(moved).to.be.within(before, Date.now())
        }
        const date = Date.parse((await headers).date ?? '') - seconds * 1000
        expect(date).to.be.within(before - 1000, Date.now())
        expect(fault.hits).to.equal(1)
      }
      emulator.fail({ kind: 'clock-skew', seconds: 400 })
      const describe = rejection(redshift(emulator).send(new DescribeClustersCommand({})))
      expect((await describe).message).to.match(/^Signature expired/)
    })

    it('is changed once, when the request arrives, also if another fault holds the response', async () => {
      const held = [emulator.fail({ kind: 'clock-skew', seconds: 200 }, { times: 1 })]
      using hold = emulator.fail({ kind: 'hold' })
      const logins = [fetchLogin(emulator), fetchLogin(emulator)]
      await hold.reached(2)
      held.push(emulator.fail({ kind: 'clock-skew', seconds: 400 }, { times: 1 }))
      hold.clear()
      const ahead = (await Promise.all(logins)).map(({ expiration }) => expiration.getTime() - Date.now() > 950_000)
      expect(ahead.sort()).to.deep.equal([false, true])
      expect(held.map(({ hits }) => hits)).to.deep.equal([1, 0])
    })

    it('does not change how long the login is valid', async () => {
      await emulator.close()
      await start({ lifetimeSeconds: 60 })
      emulator.fail({ kind: 'clock-skew', seconds: -120 })
      const login = await fetchLogin(emulator)
      expect(login.expiration.getTime()).to.be.below(Date.now())
      await (await connect(emulator, login)).end()
    })

    it('omits the Date header, or sends an old one with an Age header, for every operation', async () => {
      using missing = emulator.fail({ kind: 'no-date' })
      const describeClusters = new DescribeClustersCommand({})
      const bare = dateHeaders(describeClusters)
      await redshift(emulator).send(describeClusters)
      expect(await bare).to.deep.equal({ date: undefined, age: undefined })
      missing.clear()
      emulator.fail({ kind: 'stale-date', ageSeconds: 120 })
      const again = new DescribeClustersCommand({})
      const stale = dateHeaders(again)
      const before = Date.now()
      await redshift(emulator).send(again)
      const { date = '', age } = await stale
      expect(age).to.equal('120')
      expect(Date.parse(date) + 120_000).to.be.within(before - 1000, Date.now())
    })
  })

  describe('of the database server', () => {
    it('rejects logins with the error for a wrong password, or with another one', async () => {
      const login = await fetchLogin(emulator)
      emulator.fail({ kind: 'reject-login' }, { times: 1 })
      emulator.fail({ kind: 'reject-login', sqlstate: '28P01', message: 'IAM authentication failed' }, { times: 1 })
      expect(await rejection(connect(emulator, login))).to.include({
        code: '28000',
        message: 'password authentication failed for user "IAMA:alice"',
      })
      expect(await rejection(connect(emulator, login))).to.include({
        code: '28P01',
        message: 'IAM authentication failed',
      })
      await (await connect(emulator, login)).end()
      expect(emulator.logins.map(({ serial, sqlstate }) => ({ serial, sqlstate }))).to.deep.equal([
        { serial: 1, sqlstate: '28000' },
        { serial: 1, sqlstate: '28P01' },
        { serial: 1, sqlstate: undefined },
      ])
    })

    it('responds to logins late', async () => {
      const login = await fetchLogin(emulator)
      const fault = emulator.fail({ kind: 'login-latency', millis: 3_600_000 })
      const client = connect(emulator, login)
      await fault.reached()
      expect(emulator.logins).to.deep.equal([])
      fault.clear()
      await (await client).end()
    })

    it('accepts the connection and never responds', async () => {
      const login = await fetchLogin(emulator)
      const fault = emulator.fail({ kind: 'login-hang' })
      const client = rejection(connect(emulator, login))
      await fault.reached()
      expect(emulator.connections).to.equal(1)
      expect(emulator.logins[0]).to.include({ ok: false, sqlstate: undefined })
      await emulator.close()
      expect((await client).message).to.include('Connection terminated unexpectedly')
    })

    it('closes the connection during the login', async () => {
      const login = await fetchLogin(emulator)
      emulator.fail({ kind: 'login-reset' }, { times: 1 })
      expect((await rejection(connect(emulator, login))).message).to.include('Connection terminated unexpectedly')
      await (await connect(emulator, login)).end()
    })

    it('has no entry in pg_hba.conf for the client, with TLS or without', async () => {
      const login = await fetchLogin(emulator)
      emulator.fail({ kind: 'no-hba-entry' })
      const errors = [
        await rejection(connect(emulator, login)),
        await rejection(connect(emulator, login, { ssl: false })),
      ]
      const says = 'no pg_hba.conf entry for host "127.0.0.1", user "IAMA:alice", database "dev", SSL'
      expect(errors.map(({ code }) => code)).to.deep.equal(['28000', '28000'])
      expect(errors.map(({ message }) => message)).to.deep.equal([`${says} on`, `${says} off`])
    })

    it('does not respond while a workgroup resumes, then continues the login or closes the connection', async () => {
      const login = await fetchLogin(emulator)
      const resuming = emulator.fail({ kind: 'resuming' }, { times: 1 })
      const session = connect(emulator, login)
      await resuming.reached()
      expect(emulator.logins).to.have.lengthOf(0)
      resuming.clear()
      await (await session).end()
      emulator.fail({ kind: 'resuming', millis: 10, ends: 'reset' }, { times: 1 })
      expect((await rejection(connect(emulator, login))).message).to.include('Connection terminated unexpectedly')
      expect(emulator.logins.map(({ ok }) => ok)).to.deep.equal([true, false])
    })

    it('delays a login for longer than a client may take to log in', async () => {
      const login = await fetchLogin(emulator)
      mock.timers.enable({ apis: ['setTimeout'] })
      try {
        for (const fault of [{ kind: 'resuming' }, { kind: 'login-latency', millis: 3_600_000 }] as const) {
          const waiting = emulator.fail(fault, { times: 1 })
          const session = connect(emulator, login)
          await waiting.reached()
          mock.timers.tick(120_000)
          waiting.clear()
          await (await session).end()
        }
      } finally {
        mock.timers.reset()
      }
      expect(emulator.logins.map(({ ok }) => ok)).to.deep.equal([true, true])
    })
  })

  describe('with a scope', () => {
    it('affects only operations that return a login, unless it names an operation', async () => {
      const throttling = emulator.fail({ kind: 'throttling' })
      await redshift(emulator).send(new DescribeClustersCommand({}))
      throttling.clear()
      emulator.fail({ kind: 'throttling' }, { operation: 'DescribeClusters' })
      await fetchLogin(emulator)
      const { name } = await rejection(redshift(emulator).send(new DescribeClustersCommand({})))
      expect(name).to.equal('Throttling')
    })

    it('affects only its target, by name or host, in AWS calls and logins', async () => {
      const hosts = ['one', 'two'].map(name => `${name}.abc123xyz789.us-west-2.redshift.amazonaws.com`)
      await emulator.close()
      await start({ hosts, customDomains: { 'db.example.com': 'one' } })
      for (const target of ['one', hosts[0], 'db.example.com']) {
        using _ = emulator.fail({ kind: 'throttling' }, { target })
        expect((await rejection(fetchLogin(emulator, { ClusterIdentifier: 'one' }))).name).to.equal('Throttling')
        await fetchLogin(emulator, { ClusterIdentifier: 'two' })
        using _login = emulator.fail({ kind: 'login-reset' }, { target })
        await rejection(connect(emulator, { user: 'IAM:alice', password: '' }, { host: hosts[0] ?? '' }))
        await rejection(connect(emulator, { user: 'IAM:alice', password: '' }, { host: hosts[1] ?? '' }))
        expect(emulator.logins.map(({ sqlstate }) => sqlstate)).to.deep.equal([undefined, '28000'])
        emulator.logins.length = 0
      }
    })

    it('affects only logins for its target, if the client connects to localhost', async () => {
      const hosts = ['one', 'two'].map(name => `${name}.abc123xyz789.us-west-2.redshift.amazonaws.com`)
      await emulator.close()
      await start({ hosts })
      const [one, two] = await Promise.all(
        ['one', 'two'].map(ClusterIdentifier => fetchLogin(emulator, { ClusterIdentifier })),
      )
      if (!one || !two) throw new Error('A login is missing.')
      using _ = emulator.fail({ kind: 'reject-login' }, { target: 'one' })
      const error = await rejection(connect(emulator, one, { host: 'localhost' }))
      expect(error.code).to.equal('28000')
      await (await connect(emulator, two, { host: 'localhost' })).end()
    })

    it('must be able to have an effect', () => {
      for (const [field, named, fault, scope] of [
        ['target', 'examplecluster', { kind: 'throttling' }, { target: 'exampleclutser' }],
        ['operation', 'DescribeClusters', { kind: 'creating' }, { operation: 'GetCredentials' }],
        ['operation', 'GetCredentials', { kind: 'same-expiry' }, { operation: 'GetWorkgroup' }],
        [
          'operation',
          'GetCredentials',
          { kind: 'malformed', how: 'no-user' },
          { operation: 'GetIdentityCenterAuthToken' },
        ],
        [
          'operation',
          'GetCredentials',
          { kind: 'malformed', how: 'nan-expiration' },
          { operation: 'DescribeClusters' },
        ],
      ] as const)
        expect(() => emulator.fail(fault, scope)).to.throw(RangeError, new RegExp(`^${field}: .*${named}`))
      emulator.fail({ kind: 'malformed', how: 'truncated' }, { operation: 'DescribeClusters' }).clear()
    })

    it('ends with its block, and counts its hits', async () => {
      {
        using fault = emulator.fail({ kind: 'throttling' })
        const twice = fault.reached(2)
        await fromCluster()
        await fromWorkgroup()
        await twice
        expect(fault.hits).to.equal(2)
      }
      await fetchLogin(emulator)
    })
  })
})

/** The headers with a time in the response to this command. */
function dateHeaders(command: DescribeClustersCommand | GetClusterCredentialsWithIAMCommand) {
  return new Promise<{ date: string | undefined; age: string | undefined }>(resolve => {
    const stack = command.middlewareStack as DescribeClustersCommand['middlewareStack']
    stack.add(
      next => async args => {
        const result = await next(args)
        const { date, age } = (result.response as { headers: Record<string, string> }).headers
        resolve({ date, age })
        return result
      },
      { step: 'deserialize', priority: 'low' },
    )
  })
}
