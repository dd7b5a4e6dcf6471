import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'chai'
import { AwsClients } from '../../lib/aws/client.js'
import { fetchServerless } from '../../lib/aws/serverless-calls.js'
import { malformations } from '../../lib/cli/emulate/fault.js'
import { systemClock } from '../../lib/clock.js'
import type { Fault, RedshiftEmulator } from '../../lib/emulator/index.js'
import { FetchContext } from '../../lib/fetch-context.js'
import {
  type FetchEndMessage,
  RedshiftCredentials,
  type RedshiftErrorCode,
  type RedshiftOptions,
} from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { figure } from '../support/figure.js'
import { phaseReached } from '../support/phase.js'
import { expectError, rejection } from '../support/rejection.js'

const workgroupHost = (name: string): string => `${name}.123456789012.us-west-2.redshift-serverless.amazonaws.com`
const ANALYTICS = {
  api: 'GetCredentials',
  region: 'us-west-2',
  workgroupName: 'analytics',
  customDomainName: undefined,
  dbName: 'dev',
  durationSeconds: 900,
} as const
const clusterHost = (name: string): string => `${name}.abc123xyz789.us-west-2.redshift.amazonaws.com`

describe('When AWS fails', () => {
  let emulator: RedshiftEmulator
  const made: RedshiftCredentials[] = []

  before(async () => {
    // A target per fault, so that all faults can be active at the same time.
    emulator = await startEmulator({
      hosts: ['examplecluster', ...malformations]
        .map(clusterHost)
        .concat(['analytics', ...malformations].map(workgroupHost)),
    })
  })
  afterEach(async () => {
    await Promise.all(made.splice(0).map(credentials => credentials.close()))
    emulator.calls.length = 0
  })
  after(() => emulator.close())

  const create = (options: RedshiftOptions = {}): RedshiftCredentials => {
    const { host, database } = emulator.poolConfig()
    const chosen = options.host === undefined ? { host, dbUser: 'alice' } : {}
    const credentials = new RedshiftCredentials({ aws: emulator.aws, database, ...chosen, ...options })
    made.push(credentials)
    return credentials
  }

  /** Retries until there is a login; every failure until then must be the one that AWS caused. */
  async function recovery(credentials: RedshiftCredentials, code: RedshiftErrorCode): Promise<void> {
    for (;;)
      try {
        return void (await credentials.get())
      } catch (error) {
        expect(error).to.have.property('code', code)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
  }

  describe('a provider of AWS credentials that hangs', () => {
    it('delays a call until its deadline, and is called again by the next', async () => {
      let asked = 0
      const credentials = create({
        fetchTimeoutMillis: 3_000,
        aws: {
          ...emulator.aws,
          credentials: () => (++asked === 1 ? new Promise(() => {}) : Promise.resolve(emulator.aws.credentials)),
        },
      })
      const error = await rejection(credentials.get())
      expectError(error, { code: 'ERR_REDSHIFT_TIMEOUT', names: ['aws'], omits: ['redshift:'] })
      expect(emulator.calls).to.have.length(0)
      await recovery(credentials, 'ERR_REDSHIFT_TIMEOUT')
      expect(asked).to.equal(2)
      expect(emulator.calls).to.have.length(1)
    })

    it('is called again after it hung during a forced refresh', async () => {
      using expired = emulator.fail({ kind: 'expired-token' })
      let forced = 0
      const credentials = create({
        fetchTimeoutMillis: 3_000,
        aws: {
          ...emulator.aws,
          credentials: async (options?: { forceRefresh?: boolean }) => {
            if (options?.forceRefresh && ++forced === 1) await new Promise(() => {})
            if (forced > 0) expired.clear()
            return emulator.aws.credentials
          },
        },
      })
      expect(await rejection(credentials.get())).to.have.property('code', 'ERR_REDSHIFT_AWS_CREDENTIALS')
      await recovery(credentials, 'ERR_REDSHIFT_AWS_CREDENTIALS')
    })
  })

  describe('an expired session token', () => {
    const withProvider = () => {
      const asked: unknown[] = []
      const credentials = create({
        aws: {
          ...emulator.aws,
          credentials: async options => {
            asked.push(options?.forceRefresh ?? false)
            return emulator.aws.credentials
          },
        },
      })
      return { asked, credentials }
    }

    it('makes the AWS credentials refresh once, without an error for the caller', async () => {
      emulator.fail({ kind: 'expired-token' }, { times: 1 })
      const { asked, credentials } = withProvider()
      await credentials.get()
      expect(asked).to.deep.equal([false, true])
      expect(emulator.calls.map(({ status }) => status)).to.deep.equal([403, 200])
    })

    it('causes an error, and not a loop, if it is still expired after that', async () => {
      using _ = emulator.fail({ kind: 'expired-token' })
      const { asked, credentials } = withProvider()
      const error = await rejection(credentials.get())
      expectError(error, { code: 'ERR_REDSHIFT_AWS_CREDENTIALS', names: ['aws.credentials'] })
      expect(asked).to.deep.equal([false, true])
      expect(emulator.calls).to.have.length(2)
    })
  })

  for (const target of ['cluster', 'workgroup'] as const)
    it(`with a malformed response for a ${target}, the call fails, nothing is cached, and a later call gets a login`, async () => {
      await Promise.all(
        malformations.map(async how => {
          const credentials = create(
            target === 'cluster' ? { host: clusterHost(how), dbUser: 'alice' } : { host: workgroupHost(how) },
          )
          using fault = emulator.fail({ kind: 'malformed', how }, { target: how })
          const error = await rejection(credentials.get())
          const operation = target === 'cluster' ? 'GetClusterCredentials' : 'GetCredentials'
          expectError(error, { code: 'ERR_REDSHIFT_RESPONSE', names: [operation] })
          const [status] = credentials.status()
          expect(status, how).to.include({ phase: 'none', expiration: undefined, refreshAt: undefined })
          fault.clear()
          await recovery(credentials, 'ERR_REDSHIFT_RESPONSE')
          expect(credentials.status()[0], how).to.include({ phase: 'fresh', lastError: undefined })
        }),
      )
      expect(emulator.calls).to.have.length(2 * malformations.length)
    })

  it('in any way, a valid login is served until it expires, and then replaced', async () => {
    // A cluster per fault, so that all faults can be active at the same time.
    const faults: Record<string, Fault> = Object.fromEntries([
      ...malformations.map((how): [string, Fault] => [how, { kind: 'malformed', how }]),
      ...(['access-denied', 'expired-token', 'signature-mismatch', 'not-found', 'unsupported', 'reset'] as const).map(
        (kind): [string, Fault] => [kind, { kind }],
      ),
    ])
    const short = await startEmulator({ hosts: Object.keys(faults).map(clusterHost), lifetimeSeconds: 10 })
    try {
      await Promise.all(
        Object.entries(faults).map(async ([name, fault]) => {
          const credentials = create({ aws: short.aws, host: clusterHost(name), dbUser: 'alice' })
          const login = await credentials.get()
          await phaseReached(credentials, 'stale')
          const atWork = short.fail(fault, { target: name })
          for (;;) {
            const served = await credentials.get().catch(() => undefined)
            if (credentials.status()[0]?.phase !== 'stale') break
            expect(served, name).to.equal(login)
            await new Promise(resolve => setTimeout(resolve, 10))
          }
          expect(atWork.hits, name).to.be.above(1)
          const { lastError } = credentials.status()[0] ?? {}
          if (!lastError) throw new Error(`${name} was not noticed by the credentials either.`)
          atWork.clear()
          await recovery(credentials, lastError.code)
          expect(await credentials.get(), name).not.to.equal(login)
        }),
      )
    } finally {
      await short.close()
    }
    figure(
      `${Object.keys(faults).length} kinds of failure while a login aged: no caller noticed before the login's end, every one was recovered from`,
    )
  })

  describe('Retry-After', () => {
    it('delays a retry within the call, which then succeeds', async () => {
      emulator.fail({ kind: 'throttling', retryAfterSeconds: 1 }, { times: 1 })
      await create().get()
      const [refused, answered] = emulator.calls
      expect(emulator.calls).to.have.length(2)
      expect((answered?.at ?? 0) - (refused?.at ?? 0)).to.be.at.least(1_000)
    })

    it('is reported as throttling, not a timeout, if it exceeds the deadline', async () => {
      emulator.fail({ kind: 'throttling', retryAfterSeconds: 30 }, { times: 1 })
      const credentials = create({ fetchTimeoutMillis: 3_000 })
      expect(await rejection(credentials.get())).to.have.property('code', 'ERR_REDSHIFT_THROTTLED')
      expect(emulator.calls).to.have.length(1)
    })
  })

  it('once, and then responds, the lifetime counts from the second attempt', async () => {
    let now = 0
    const clock = { ...systemClock, now: () => ({ wall: now, monotonic: now }) }
    const clients = new AwsClients(emulator.aws, clock, 1)
    emulator.fail({ kind: 'internal-error' }, { times: 1 })
    const first = emulator.fail({ kind: 'hold' }, { times: 1 })
    const fetching = fetchServerless(clients, ANALYTICS, new FetchContext(15_000))
    await first.reached()
    now = 60_000
    first.clear()
    const { sentAt } = await fetching
    clients.close()
    expect(emulator.calls.map(({ status }) => status)).to.deep.equal([500, 200])
    expect(sentAt.monotonic).to.equal(60_000)
  })

  it('once, and then hangs, the timeout is reported as such, and the earlier Retry-After does not lengthen the pause', async () => {
    emulator.fail({ kind: 'internal-error', retryAfterSeconds: 1 }, { times: 1 })
    const pauses: number[] = []
    const note = (message: unknown): void => void pauses.push((message as FetchEndMessage).pauseMillis)
    subscribe('pg-redshift-iam:fetch-end', note)
    try {
      const credentials = create({ fetchTimeoutMillis: 1_500 })
      const failed = rejection(credentials.get())
      while (emulator.calls.length < 1) await new Promise(setImmediate)
      using _ = emulator.fail({ kind: 'hang' })
      const error = await failed
      expect(emulator.calls).to.have.length(2)
      expect(error).to.have.property('code', 'ERR_REDSHIFT_TIMEOUT')
    } finally {
      unsubscribe('pg-redshift-iam:fetch-end', note)
    }
    expect(pauses).to.have.length(1)
    expect(pauses[0]).to.be.within(1, 500)
  })

  it('a thousand times in a row, few calls are made, and each caller gets a separate error', async () => {
    using outage = emulator.fail({ kind: 'access-denied' })
    const credentials = create()
    const errors = new Set<unknown>()
    for (let asked = 0; asked < 1_000; asked++) {
      const error = await rejection(credentials.get())
      expect(error).to.have.property('code', 'ERR_REDSHIFT_ACCESS_DENIED')
      errors.add(error)
      if (asked % 10 === 0) await new Promise(resolve => setTimeout(resolve, 10))
    }
    expect(errors).to.have.length(1_000)
    expect(emulator.calls.length).to.be.within(2, 8)
    figure(`1,000 failures in a row: ${emulator.calls.length} API calls`)
    outage.clear()
    await recovery(credentials, 'ERR_REDSHIFT_ACCESS_DENIED')
  })

  describe('to agree with this host on the time', () => {
    for (const seconds of [600, -600])
      it(`by ${seconds} s, the login lasts as long as AWS says, not as the clocks say`, async () => {
        using _ = emulator.fail({ kind: 'clock-skew', seconds })
        for (const target of ['provisioned', 'serverless']) {
          const { host } = emulator.poolConfig(target)
          const credentials = create(target === 'serverless' ? { host } : {})
          const asked = Date.now()
          const login = await credentials.get()
          expect((login.expiration.getTime() - asked) / 1_000).to.be.within(seconds + 895, seconds + 930)
          // Half to 65 % of the 900 seconds.
          const refreshAt = credentials.status()[0]?.refreshAt?.getTime() ?? Number.NaN
          expect((refreshAt - asked) / 1_000, target).to.be.within(445, 615)
        }
      })

    for (const seconds of [240, -240])
      it(`by ${seconds} s, and returns no time, the login is still refreshed before it expires`, async () => {
        const skew = emulator.fail({ kind: 'clock-skew', seconds })
        const silence = emulator.fail({ kind: 'no-date' })
        const credentials = create()
        const asked = Date.now()
        await credentials.get()
        skew.clear()
        silence.clear()
        const refreshAt = credentials.status()[0]?.refreshAt?.getTime() ?? Number.NaN
        expect((refreshAt - asked) / 1_000).to.be.within(300, 615)
      })

    for (const seconds of [600, -600])
      it(`by ${seconds} s, and returns no time, the error says to check the clock`, async () => {
        using _skew = emulator.fail({ kind: 'clock-skew', seconds })
        using _silence = emulator.fail({ kind: 'no-date' })
        const error = await rejection(create().get())
        // The first is from AWS.
        const said = seconds > 0 ? 'Signature expired' : 'Signature not yet current'
        expectError(error, { code: 'ERR_REDSHIFT_AWS_CREDENTIALS', names: [said, 'clock'] })
      })

    for (const target of ['provisioned', 'serverless'])
      it(`because one clock was wrong and is corrected, every caller gets a login (${target})`, async () => {
        const { host } = emulator.poolConfig(target)
        const skew = emulator.fail({ kind: 'clock-skew', seconds: 600 })
        const credentials = create({ host, database: undefined })
        const get = (user: string) =>
          credentials.get({ user: target === 'serverless' ? undefined : user, database: user.slice(4) })
        await get('IAM:alice')
        skew.clear()
        await get('IAM:bob')
        expect(emulator.calls.map(({ status }) => status)).to.deep.equal([
          ...(target === 'serverless' ? [400, 200, 400, 200] : [403, 200, 403, 200]),
        ])
      })

    it('because a proxy returns an old Date with its Age, that Date is not used', async () => {
      // The login is shorter than requested: otherwise the requested duration alone would bound its lifetime.
      await using short = await startEmulator({ lifetimeSeconds: 900 })
      using _ = short.fail({ kind: 'stale-date', ageSeconds: 600 })
      const credentials = create({ aws: short.aws, durationSeconds: 3_600 })
      const asked = Date.now()
      await credentials.get()
      const refreshAt = credentials.status()[0]?.refreshAt?.getTime() ?? Number.NaN
      expect((refreshAt - asked) / 1_000).to.be.within(445, 615)
    })
  })
})
