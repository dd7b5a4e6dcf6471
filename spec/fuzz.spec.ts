import { Socket } from 'node:net'
import { expect } from 'chai'
import fc from 'fast-check'
import pg from 'pg'
import {
  parseRedshiftHost,
  RedshiftCredentials,
  RedshiftCredentialsError,
  type RedshiftLogin,
  RedshiftPgClient,
  RedshiftPool,
} from '../lib/index.js'
import { type FetchEndMessage, fetchEnd } from '../lib/tracing.js'
import { type Endpoint, type RawResponse, startEndpoint } from './support/endpoint.js'
import { figure } from './support/figure.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const WORKGROUP = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'
const CODES =
  /^ERR_REDSHIFT_(OPTION|TARGET|TLS|AWS_CREDENTIALS|ACCESS_DENIED|NOT_FOUND|UNSUPPORTED|THROTTLED|UNAVAILABLE|TIMEOUT|RESPONSE)$/

/** A string with a few characters or stretches changed, doubled or lost. */
const damaged = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      text,
      fc.array(
        fc.record({
          at: fc.double({ min: 0, max: 1, noNaN: true }),
          length: fc.nat(30),
          by: fc.oneof(fc.constant(''), fc.string({ maxLength: 5 }), fc.string({ unit: 'binary', maxLength: 3 })),
          twice: fc.boolean(),
        }),
        { maxLength: 3 },
      ),
    )
    .map(([whole, edits]) =>
      edits.reduce((text, { at, length, by, twice }) => {
        const start = Math.floor(at * text.length)
        const cut = text.slice(start, start + length)
        return text.slice(0, start) + (twice ? cut + cut : by) + text.slice(start + length)
      }, whole),
    )

describe('Any response of AWS', () => {
  let endpoint: Endpoint
  before(async () => {
    endpoint = await startEndpoint(() => 'drop')
  })
  after(() => endpoint.close())

  const soon = fc.integer({ min: -100, max: 4_000 }).map(seconds => Date.now() + seconds * 1_000)
  const times = fc.oneof(
    { weight: 6, arbitrary: soon.map(time => new Date(time).toISOString()) },
    soon.map(time => String(time / 1_000)),
    fc.date({ noInvalidDate: true }).map(date => date.toISOString()),
    fc.constantFrom('', 'NaN', 'Infinity', '-1', '0', '1e400', '9'.repeat(400), 'null', 'soon', '2026-02-30T25:61:61Z'),
    fc.string(),
  )
  const values = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('IAM:alice', 'IAMR:analyst', `${'p+/='.repeat(60)}`) },
    fc.constantFrom('', ' ', '&amp;', '&#x0;', '&undefined;', '<![CDATA[x]]>', '<a/>', '\u0000', '\ud800', '__proto__'),
    fc.string({ unit: 'binary' }),
  )
  const element = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('DbUser', 'DbPassword', 'Expiration', 'NextRefreshTime') },
    fc.constantFrom('dbUser', '__proto__', 'constructor', 'Error', 'a'),
  )
  const xml = fc.array(fc.tuple(element, fc.oneof(values, times)), { maxLength: 6 }).map(fields => {
    const inside = fields.map(([name, value]) => `<${name}>${value}</${name}>`).join('')
    return `<GetClusterCredentialsResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><GetClusterCredentialsResult>${inside}</GetClusterCredentialsResult></GetClusterCredentialsResponse>`
  })
  const goodXml = fc
    .tuple(values, values, times)
    .map(
      ([user, password, time]) =>
        `<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>${user}</DbUser><DbPassword>${password}</DbPassword><Expiration>${time}</Expiration></GetClusterCredentialsResult></GetClusterCredentialsResponse>`,
    )
  const errorXml = fc
    .tuple(values, values)
    .map(
      ([code, text]) => `<ErrorResponse><Error><Code>${code}</Code><Message>${text}</Message></Error></ErrorResponse>`,
    )
  const epoch = fc.oneof({ weight: 6, arbitrary: soon.map(time => time / 1_000) }, times, fc.double(), fc.jsonValue())
  const goodJson = fc.record({ dbUser: values, dbPassword: values, expiration: epoch, nextRefreshTime: epoch })
  const anyJson = fc.record(
    {
      dbUser: fc.oneof(values, fc.jsonValue()),
      dbPassword: fc.oneof(values, fc.jsonValue()),
      expiration: epoch,
      __type: values,
      message: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const json = fc.oneof(goodJson, anyJson, fc.jsonValue()).map(value => JSON.stringify(value))
  const date = fc.oneof(
    { weight: 9, arbitrary: fc.constant(undefined) },
    fc.date({ noInvalidDate: true }).map(time => time.toUTCString()),
    fc.constantFrom('', 'yesterday', '0', 'Thu, 99 Foo 2026 99:99:99 GMT'),
  )
  const headers = fc
    .record(
      {
        'content-type': fc.constantFrom('text/xml', 'application/x-amz-json-1.1', 'text/html', 'application/cbor', ''),
        date,
        age: fc.constantFrom('0', '-1', 'x', '1e9'),
        'retry-after': fc.constantFrom('', '0', '-5', '1', '9'.repeat(30), 'x', 'Thu, 01 Jan 1970 00:00:00 GMT'),
        'x-amzn-errortype': fc.constantFrom('', ':', '#', 'Throttling', 'ExpiredTokenException', 'x'.repeat(500)),
        'x-amzn-requestid': fc.constantFrom('', 'id'),
        'content-encoding': fc.constantFrom('identity', 'gzip'),
      },
      { requiredKeys: [] },
    )
    .map(all => Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => !!entry[1])))
  const status = fc.oneof(
    { weight: 4, arbitrary: fc.constant(200) },
    fc.constantFrom(204, 301, 400, 403, 404, 413, 429, 500, 503, 599),
  )
  const responses = (good: fc.Arbitrary<string>): fc.Arbitrary<RawResponse> => {
    const bad = fc.oneof(xml, errorXml, json, fc.string())
    const body = fc.oneof(
      { weight: 4, arbitrary: good },
      { weight: 4, arbitrary: damaged(good) },
      bad,
      damaged(bad),
      fc.uint8Array().map(bytes => Buffer.from(bytes)),
    )
    return fc.oneof({ weight: 30, arbitrary: fc.record({ status, headers, body }) }, fc.constant<RawResponse>('drop'))
  }

  for (const [api, host, user, good] of [
    ['GetClusterCredentials', CLUSTER, 'IAM:alice', goodXml],
    ['GetCredentials', WORKGROUP, undefined, goodJson.map(fields => JSON.stringify(fields))],
  ] as const)
    it(`of ${api} ends the call with a valid login or one of our errors, and a finite pause`, async () => {
      const ends: FetchEndMessage[] = []
      const note = (message: FetchEndMessage): void => void ends.push(message)
      fetchEnd.subscribe(note as (message: unknown) => void)
      const seen: Record<string, number> = {}
      const check = async (response: RawResponse): Promise<void> => {
        endpoint.respond = () => response
        const aws = {
          endpoint: endpoint.url,
          credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
          maxAttempts: 1,
        }
        const credentials = new RedshiftCredentials({ aws, fetchTimeoutMillis: 5_000 })
        const came = await credentials.get({ host, database: 'dev', user }).catch((error: unknown) => error)
        const [end] = ends.splice(0)
        await credentials.close()
        if (came instanceof Error) {
          expect(came).to.be.instanceOf(RedshiftCredentialsError)
          expect((came as RedshiftCredentialsError).code).to.match(CODES)
          expect((came as RedshiftCredentialsError).code).not.to.equal('ERR_REDSHIFT_TIMEOUT')
          expect(end?.pauseMillis).to.be.within(1, 5_000)
        } else {
          const login = came as RedshiftLogin
          expect(login.user).to.be.a('string').that.is.not.equal('')
          expect(login.password).to.be.a('string').that.is.not.equal('')
          expect(login.expiration.getTime()).to.satisfy(Number.isFinite)
          expect(end?.pauseMillis).to.equal(0)
        }
        const kind = came instanceof RedshiftCredentialsError ? came.code : 'a login'
        seen[kind] = (seen[kind] ?? 0) + 1
      }
      try {
        await fc.assert(fc.asyncProperty(responses(good), check), { numRuns: 1_000 })
      } finally {
        fetchEnd.unsubscribe(note as (message: unknown) => void)
      }
      // Otherwise this has proved nothing.
      for (const kind of ['a login', 'ERR_REDSHIFT_RESPONSE', 'ERR_REDSHIFT_UNAVAILABLE'])
        expect(seen[kind], kind).to.be.above(20)
      const counts = Object.entries(seen).map(([kind, count]) => `${count} × ${kind}`)
      figure(`1,000 responses to ${api}: ${counts.join(', ')}; nothing else`)
    })
})

describe('Any connection string', () => {
  const SECRET = 'A-password-in-a-connection-string'
  const hosts = fc.constantFrom(
    CLUSTER,
    WORKGROUP,
    CLUSTER.toUpperCase(),
    `${CLUSTER}.`,
    `${CLUSTER}.attacker.io`,
    `attacker.io%2F${CLUSTER}`,
    `${CLUSTER}%00`,
    `attacker.io\\@${CLUSTER}`,
    `${CLUSTER}#@attacker.io`,
    `${CLUSTER}@attacker.io`,
    'localhost',
    '127.0.0.1',
    '[::1]',
    '%2Ftmp',
    '',
  )
  const mostly = (usual: string, ...others: string[]) =>
    fc.oneof({ weight: others.length, arbitrary: fc.constant(usual) }, fc.constantFrom(...others))
  const parameters = fc.array(
    fc.oneof(
      hosts.map(host => `host=${host}`),
      fc.constantFrom(
        'sslmode=disable',
        'sslmode=verify-full',
        'sslmode=no-verify',
        'sslmode=',
        'ssl=true',
        'ssl=0',
        'sslrootcert=/no/such/file',
        'sslcert=/',
        'sslrootcert=',
        'port=1',
        'port=99999',
        'port=x',
        'user=IAM%3Abob',
        `password=${SECRET}`,
        'dbname=prod',
        'database=prod',
        'options=-c%20x',
        'uselibpqcompat=true',
        'application_name=%E0%A4%A',
      ),
      fc.string(),
    ),
    { maxLength: 4 },
  )
  const grammar = fc
    .tuple(
      mostly('postgres://', 'postgresql://', 'redshift://', 'http://', '//', '', 'socket:', 'POSTGRES://'),
      mostly('IAM%3Aalice@', '', 'IAM:alice@', `alice:${SECRET}@`, 'IAMR%3Aanalyst:@', '@', '%@'),
      hosts,
      mostly('', ':5439', ':0', ':65536', ':', ':x'),
      mostly('/dev', '', '/', '/dev/x', '/%64ev', '/%'),
      fc.oneof(fc.constant<string[]>([]), parameters),
    )
    .map(([scheme, user, host, port, path, rest]) => {
      const query = rest.length > 0 ? `?${rest.join('&')}` : ''
      return `${scheme}${user}${host}${port}${path}${query}`
    })
  const strings = fc.oneof({ weight: 8, arbitrary: grammar }, damaged(grammar), fc.string({ unit: 'binary' }))

  it('makes a client fail with an error, and fetch logins only for the cluster that it connects to', async () => {
    const seen = { refused: 0, asked: 0 }
    await fc.assert(
      fc.asyncProperty(strings, async connectionString => {
        const asked: { ClusterIdentifier?: string; workgroupName?: string }[] = []
        const opened: string[] = []
        class Nowhere extends Socket {
          override connect(...[port, host]: unknown[]): this {
            opened.push(typeof port === 'string' ? port : String(host))
            return this
          }
        }
        const aws = {
          config: { serviceId: undefined },
          send: async ({ input }: { input: object }) => {
            asked.push(input)
            throw new Error('AWS is not there.')
          },
        }
        const client = new RedshiftPgClient({ connectionString, stream: () => new Nowhere(), redshift: { aws } })
        const error = await client.connect().then(
          () => undefined,
          (reason: unknown) => reason,
        )
        expect(error).to.be.instanceOf(Error)
        expect((error as Error).message).not.to.contain(SECRET)
        for (const { ClusterIdentifier, workgroupName } of asked) {
          const [host = ''] = opened
          expect(parseRedshiftHost(host)?.name, connectionString).to.equal(ClusterIdentifier ?? workgroupName)
        }
        seen[asked.length > 0 ? 'asked' : 'refused']++
      }),
      { numRuns: 3_000 },
    )
    expect(seen.asked).to.be.above(100)
    expect(seen.refused).to.be.above(100)
    figure(
      `3,000 connection strings: ${seen.asked} led to a call to AWS, each for the cluster of the socket; ${seen.refused} were refused`,
    )
  })

  it('makes a pool, or throws one of our errors', () => {
    fc.assert(
      fc.property(strings, connectionString => {
        try {
          expect(new RedshiftPool({ connectionString })).to.be.instanceOf(pg.Pool)
        } catch (error) {
          expect(error).to.be.instanceOf(RedshiftCredentialsError)
          expect((error as Error).message).not.to.contain(SECRET)
        }
      }),
      { numRuns: 3_000 },
    )
  })
})
