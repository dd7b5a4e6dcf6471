import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'chai'
import type * as Package from '../../lib/index.js'
import { compiled } from '../support/compiled.js'
import { type Endpoint, startEndpoint } from '../support/endpoint.js'
import { MemoryStore } from '../support/memory-store.js'
import { expectError, rejection } from '../support/rejection.js'

const HOST = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const CONNECTION = { host: HOST, database: 'dev', user: 'IAM:alice' }
const KEYS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }

const failure = (name: string, status = 400) => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<ErrorResponse><Error><Code>${name}</Code><Message>of ${KEYS.secretAccessKey}</Message></Error></ErrorResponse>`,
})
const login = (password = 'secret') => ({
  headers: { 'content-type': 'text/xml' },
  body:
    '<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>IAM:alice</DbUser>' +
    `<DbPassword>${password}</DbPassword><Expiration>${new Date(Date.now() + 900_000).toISOString()}</Expiration>` +
    '</GetClusterCredentialsResult></GetClusterCredentialsResponse>',
})

/** The package without the files that it loads late, as while an update replaces them. */
const importWithout = (...files: string[]): Promise<typeof Package> =>
  import(
    compiled('lib/index.ts', { packages: 'external', external: files }, `without-${files.length}-${files[0]?.slice(2)}`)
  )

describe('If the code that explains failures cannot be loaded,', () => {
  let endpoint: Endpoint
  let broken: typeof Package
  let calls = 0
  const made: Package.RedshiftCredentials[] = []

  before(async () => {
    endpoint = await startEndpoint(() => failure('AccessDenied'))
    broken = await importWithout('./diagnosis.js')
  })
  afterEach(() => Promise.all(made.splice(0).map(credentials => credentials.close())))
  after(() => endpoint.close())

  const create = (options: Package.RedshiftOptions = {}): Package.RedshiftCredentials => {
    const credentials = new broken.RedshiftCredentials({
      aws: { endpoint: endpoint.url, credentials: KEYS, maxAttempts: 2 },
      ...options,
    })
    made.push(credentials)
    return credentials
  }

  it("the error names AWS's error, without its message, and the reason", async () => {
    endpoint.respond = () => failure('AccessDenied')
    const error = await rejection(create().get(CONNECTION))
    expectError(error, {
      code: 'ERR_REDSHIFT_UNAVAILABLE',
      names: ['redshift:GetClusterCredentials', 'AccessDenied', 'ERR_MODULE_NOT_FOUND'],
      omits: [KEYS.secretAccessKey],
    })
    expect(error.cause).to.have.property('code', 'ERR_MODULE_NOT_FOUND')
  })

  it('the error leaves out a name that may be a key', async () => {
    endpoint.respond = () => failure('AKIAIOSFODNNEXAMPLE')
    expectError(await rejection(create().get(CONNECTION)), {
      code: 'ERR_REDSHIFT_UNAVAILABLE',
      names: ['redshift:GetClusterCredentials'],
      omits: ['AKIA'],
    })
  })

  it('the SDK still retries what AWS throttles', async () => {
    calls = 0
    endpoint.respond = () => (calls++ === 0 ? failure('Throttling') : login())
    expect((await create().get(CONNECTION)).user).to.equal('IAM:alice')
    expect(calls).to.equal(2)
  })

  it('a deadline that passes after a failed attempt is a timeout', async () => {
    calls = 0
    endpoint.respond = () => (calls++ === 0 ? failure('Throttling') : new Promise(() => {}))
    expectError(await rejection(create({ fetchTimeoutMillis: 1_500 }).get(CONNECTION)), {
      code: 'ERR_REDSHIFT_TIMEOUT',
    })
  })

  it('a profile that does not exist is still refused', async () => {
    endpoint.respond = () => login()
    const aws = { endpoint: endpoint.url, profile: 'no-such-profile' }
    expectError(await rejection(create({ aws }).get(CONNECTION)), {
      code: 'ERR_REDSHIFT_UNAVAILABLE',
      names: ['MissingProfile'],
    })
  })

  it('an error of this package stays as it is', async () => {
    const aws = { send: () => Promise.resolve({}), config: { serviceId: 'S3' } }
    expectError(await rejection(create({ aws }).get(CONNECTION)), { code: 'ERR_REDSHIFT_OPTION', names: ['S3'] })
  })

  it("the error of an application's token function is named", async () => {
    const token = () => Promise.reject(new RangeError(KEYS.secretAccessKey))
    const credentials = create({ aws: undefined, identityProvider: { type: 'Okta', token } })
    expectError(await rejection(credentials.getToken({ host: HOST })), {
      code: 'ERR_REDSHIFT_UNAVAILABLE',
      names: ['identityProvider.token', 'RangeError'],
      omits: [KEYS.secretAccessKey],
    })
  })

  it('an SDK that cannot be loaded either is the cause of the failure', async () => {
    broken = await importWithout('./diagnosis.js', './redshift-sdk.js')
    expectError(await rejection(create().get(CONNECTION)), {
      code: 'ERR_REDSHIFT_UNAVAILABLE',
      names: ['redshift:GetClusterCredentials', 'ERR_MODULE_NOT_FOUND'],
    })
  })
})

describe('If the code of a shared store cannot be loaded,', () => {
  const events: unknown[] = []
  const note = (message: unknown): void => void events.push(message)

  before(() => subscribe('pg-redshift-iam:store', note))
  after(() => unsubscribe('pg-redshift-iam:store', note))

  it('AWS is called without the store, and a refused login is replaced', async () => {
    const { RedshiftCredentials } = await importWithout('./shared-logins.js')
    const send = async () => ({
      DbUser: 'IAM:alice',
      DbPassword: randomBytes(8).toString('hex'),
      Expiration: new Date(Date.now() + 900_000),
    })
    const credentials = new RedshiftCredentials({ aws: { send }, store: new MemoryStore() })
    const first = await credentials.get(CONNECTION)
    expect(credentials.invalidate(first)).to.equal(true)
    expect((await credentials.get(CONNECTION)).password).to.not.equal(first.password)
    await credentials.close()
    expect(events).to.have.length(2)
    expect(events[0]).to.include({ event: 'direct', reason: 'failed', target: 'examplecluster' })
  })
})
