import { Readable } from 'node:stream'
import vm from 'node:vm'
import { GetClusterCredentialsCommand, RedshiftClient } from '@aws-sdk/client-redshift'
import { GetCredentialsCommand, RedshiftServerlessClient } from '@aws-sdk/client-redshift-serverless'
import { fromEnv, fromIni, fromProcess, fromSSO, fromTokenFile } from '@aws-sdk/credential-providers'
import { expect } from 'chai'
import fc from 'fast-check'
import { describeCall } from '../../lib/aws/call-description.js'
import { sdkLoadError, toPreparationError, toRedshiftError } from '../../lib/aws/errors.js'
import { isExpiredToken } from '../../lib/aws/failures.js'
import { checkEndpoint, checkLogin } from '../../lib/aws/response.js'
import { RedshiftCredentials } from '../../lib/credentials.js'
import { RedshiftCredentialsError, type RedshiftErrorCode } from '../../lib/errors.js'
import { resolveRequest } from '../../lib/resolve-request.js'
import { disclosures } from '../support/disclosure.js'
import { expectError, thrownBy } from '../support/rejection.js'

const KEY = 'AKIAIOSFODNN7EXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const SECRET_WITHOUT_DIGIT = SECRET.replace('7', 'q')
const TOKEN = `IQoJb3JpZ2luX2VjEXAMPLE/${'x7Zq+A9/='.repeat(20)}`
const PASSWORD = 'hunter2Hunter2/+Hunter2=='
const SECRETS = [KEY, SECRET, TOKEN, PASSWORD]

const host = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const call = describeCall(resolveRequest({}, { host, database: 'dev', user: 'IAM:alice' }))

/** What an HTTP handler of the SDK does: it returns a response or throws. */
type Wire = { status: number; body: string; headers?: Record<string, string> } | { error: unknown }

const configuration = (wire: Wire) => ({
  region: 'us-west-2',
  maxAttempts: 1,
  credentials: { accessKeyId: KEY, secretAccessKey: SECRET, sessionToken: TOKEN },
  requestHandler: {
    handle: async () => {
      if ('error' in wire) throw wire.error
      const { status, body, headers = {} } = wire
      return { response: { statusCode: status, headers, body: Readable.from([Buffer.from(body)]) } }
    },
  },
})

/** The error that the SDK throws for it, for a provisioned cluster and a workgroup. */
const provisioned = (wire: Wire, config: object = {}): Promise<unknown> =>
  new RedshiftClient({ ...configuration(wire), ...config } as object)
    .send(new GetClusterCredentialsCommand({ ClusterIdentifier: 'examplecluster', DbUser: 'alice' }))
    .then(surprise, error => error)
const serverless = (wire: Wire): Promise<unknown> =>
  new RedshiftServerlessClient(configuration(wire) as object)
    .send(new GetCredentialsCommand({ workgroupName: 'analytics' }))
    .then(surprise, error => error)
const surprise = (): never => {
  throw new Error('The SDK did not fail.')
}

const xml = (code: string, message: string): string =>
  `<ErrorResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>12345678-1234-1234-1234-123456789012</RequestId></ErrorResponse>`
const json = (type: string, message: string): string => JSON.stringify({ __type: type, message })

const expectSafe = (error: RedshiftCredentialsError): void => {
  expect(disclosures({ error, copy: error.copy(), cause: error.cause }, SECRETS), error.message).to.deep.equal([])
}

/** Asserts our error for an error of the SDK: with this code, these names, and without secrets. */
const expectTold = (
  thrown: unknown,
  code: RedshiftErrorCode,
  ...names: readonly string[]
): RedshiftCredentialsError => {
  const error = expectError(toRedshiftError(thrown, call), { code, names, omits: ['undefined'] })
  // The remedy is a separate sentence.
  expect(error.message).to.match(/\. [A-Z][^\n]*\.$/)
  expectSafe(error)
  return error
}

type Row = [name: string, status: number, code: RedshiftErrorCode, ...names: readonly string[]]

describe('an error of AWS', () => {
  const denied: Row[] = [
    [
      'AccessDenied',
      403,
      'ERR_REDSHIFT_ACCESS_DENIED',
      'redshift:GetClusterCredentials',
      'arn:aws:redshift:us-west-2:<account>:dbuser:examplecluster/alice',
      'arn:aws:redshift:us-west-2:<account>:dbname:examplecluster/dev',
    ],
    ['AccessDeniedException', 403, 'ERR_REDSHIFT_ACCESS_DENIED', 'redshift:GetClusterCredentials'],
    ['AccessDeniedException', 400, 'ERR_REDSHIFT_ACCESS_DENIED', 'redshift:GetClusterCredentials'],
    ['UnauthorizedOperation', 403, 'ERR_REDSHIFT_ACCESS_DENIED', 'redshift:GetClusterCredentials'],
    ['NotAuthorized', 400, 'ERR_REDSHIFT_ACCESS_DENIED', 'redshift:GetClusterCredentials'],
    ['SomethingNew', 403, 'ERR_REDSHIFT_ACCESS_DENIED', 'redshift:GetClusterCredentials'],
  ]
  const identity = 'clock'
  const credentials: Row[] = [
    ...[
      'InvalidClientTokenId',
      'SignatureDoesNotMatch',
      'AuthFailure',
      'OptInRequired',
      'MissingAuthenticationToken',
    ].map((name): Row => [name, 403, 'ERR_REDSHIFT_AWS_CREDENTIALS', name, identity]),
    ...['UnrecognizedClientException', 'InvalidSignatureException', 'IncompleteSignature', 'RequestExpired'].map(
      (name): Row => [name, 400, 'ERR_REDSHIFT_AWS_CREDENTIALS', name, identity],
    ),
    ...['RequestTimeTooSkewed', 'RequestInTheFuture'].map(
      (name): Row => [name, 403, 'ERR_REDSHIFT_AWS_CREDENTIALS', name, identity],
    ),
    ['ExpiredToken', 403, 'ERR_REDSHIFT_AWS_CREDENTIALS', '`aws sso login`', 'AWS_SESSION_TOKEN'],
    ['ExpiredTokenException', 400, 'ERR_REDSHIFT_AWS_CREDENTIALS', '`aws sso login`', 'AWS_SESSION_TOKEN'],
  ]
  const throttled: Row[] = [
    'Throttling',
    'ThrottlingException',
    'ThrottledException',
    'RequestThrottled',
    'RequestThrottledException',
    'RequestLimitExceeded',
    'TooManyRequestsException',
    'LimitExceededException',
    'PriorRequestNotComplete',
    'BandwidthLimitExceeded',
  ].map((name): Row => [name, 400, 'ERR_REDSHIFT_THROTTLED', 'redshift:GetClusterCredentials', 'RedshiftCredentials'])
  const rows: Row[] = [
    ...denied,
    ...credentials,
    ...throttled,
    ['SlowDown', 503, 'ERR_REDSHIFT_THROTTLED', 'RedshiftCredentials'],
    ['Whatever', 429, 'ERR_REDSHIFT_THROTTLED', 'RedshiftCredentials'],
    ['InternalFailure', 500, 'ERR_REDSHIFT_UNAVAILABLE', 'HTTP 500', 'redshift:GetClusterCredentials'],
    ['InternalServerException', 500, 'ERR_REDSHIFT_UNAVAILABLE', 'HTTP 500'],
    ['ServiceUnavailable', 503, 'ERR_REDSHIFT_UNAVAILABLE', 'HTTP 503'],
    ['RequestTimeout', 400, 'ERR_REDSHIFT_TIMEOUT', 'aws.requestHandler'],
    ['RequestTimeoutException', 400, 'ERR_REDSHIFT_TIMEOUT', 'aws.requestHandler'],
    ['InvalidParameterValue', 400, 'ERR_REDSHIFT_OPTION', 'InvalidParameterValue', 'cluster "examplecluster"'],
    ['InvalidParameterCombination', 400, 'ERR_REDSHIFT_OPTION', 'InvalidParameterCombination'],
    ['ValidationError', 400, 'ERR_REDSHIFT_OPTION', 'ValidationError'],
    ['ValidationException', 400, 'ERR_REDSHIFT_OPTION', 'ValidationException'],
    ['MissingParameter', 400, 'ERR_REDSHIFT_OPTION', 'MissingParameter'],
  ]
  for (const [name, status, code, ...names] of rows) {
    it(`${name} (${status}) is ${code}, from either service`, async () => {
      for (const message of ['It went wrong', 'It went wrong.']) {
        const error = await provisioned({ status, body: xml(name, message) })
        expect(error).to.include({ name })
        expectTold(error, code, ...names, 'It went wrong.')
        expectTold(await serverless({ status, body: json(name, message) }), code, 'It went wrong.')
      }
    })
  }

  it('ClusterNotFound is NOT_FOUND, with what to check', async () => {
    const error = await provisioned({ status: 404, body: xml('ClusterNotFound', 'Cluster examplecluster not found.') })
    expect(error).to.include({ name: 'ClusterNotFoundFault' })
    expectTold(error, 'ERR_REDSHIFT_NOT_FOUND', 'cluster "examplecluster"', 'us-west-2', 'workgroupName')
  })

  it('ResourceNotFoundException is NOT_FOUND', async () => {
    const error = await serverless({ status: 400, body: json('ResourceNotFoundException', 'No such workgroup.') })
    expectTold(error, 'ERR_REDSHIFT_NOT_FOUND', 'cluster "examplecluster"')
  })

  it('UnsupportedOperation is UNSUPPORTED', async () => {
    const error = await provisioned({ status: 400, body: xml('UnsupportedOperation', 'Not for this cluster') })
    expect(error).to.include({ name: 'UnsupportedOperationFault' })
    expectTold(error, 'ERR_REDSHIFT_UNSUPPORTED', 'Not for this cluster.', 'api')
  })

  it('with "Rate exceeded" is THROTTLED, whatever its name', async () => {
    expectTold(
      await serverless({ status: 400, body: json('ValidationException', 'Rate exceeded') }),
      'ERR_REDSHIFT_THROTTLED',
    )
  })

  it('has the action and resource that a policy denies, and ARNs are left unchanged', async () => {
    const who =
      'arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/alice.smith@example.com'
    const what = 'arn:aws:redshift:us-west-2:123456789012:dbuser:examplecluster/AliceInTheLongChainOfWonderlands2026'
    const message = `User: ${who} is not authorized to perform: redshift:GetClusterCredentials on resource: ${what} because no identity-based policy allows the redshift:GetClusterCredentials action`
    const error = await provisioned({ status: 403, body: xml('AccessDenied', message) })
    const { remedy } = expectTold(error, 'ERR_REDSHIFT_ACCESS_DENIED', who)
    expect(remedy).to.include('redshift:GetClusterCredentials').and.include(what).and.not.include('<account>')
  })

  const action = 'redshift:GetClusterCredentials'
  const dbuser = 'arn:aws:redshift:us-west-2:123456789012:dbuser:examplecluster/alice'
  for (const [reason, policy, isDeny] of [
    ['with an explicit deny in a service control policy', 'service control policy', true],
    ['with an explicit deny in an identity-based policy', 'identity-based policy', true],
    [
      'with an explicit deny in a permissions boundary: arn:aws:iam::123456789012:policy/x',
      'permissions boundary',
      true,
    ],
    [`because no VPC endpoint policy allows the ${action} action`, 'VPC endpoint policy', false],
    [`because no permissions boundary allows the ${action} action`, 'permissions boundary', false],
    [`because no identity-based policy allows the ${action} action`, 'IAM policy of this identity', false],
    ['', 'IAM policy of this identity', false],
  ] as const)
    it(`has the policy to change, from AWS's message: ${reason || 'no reason'}`, async () => {
      const message = `User: arn:aws:iam::123456789012:user/alice is not authorized to perform: ${action} on resource: ${dbuser} ${reason}`
      const error = await provisioned({ status: 403, body: xml('AccessDenied', message) })
      const { remedy } = expectTold(error, 'ERR_REDSHIFT_ACCESS_DENIED', reason)
      expect(remedy).to.include(policy).and.include(action)
      if (isDeny) expect(remedy).to.match(/^Remove\b/)
      else
        expect(remedy)
          .to.match(/^Allow\b/)
          .and.include(dbuser)
    })

  it('has the role that cannot be assumed', async () => {
    const message =
      'User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/reader.'
    const error = Object.assign(new Error(message), {
      name: 'AccessDenied',
      $fault: 'client',
      $metadata: { httpStatusCode: 403 },
    })
    expectTold(error, 'ERR_REDSHIFT_ACCESS_DENIED', 'sts:AssumeRole', 'arn:aws:iam::123456789012:role/reader')
  })

  it('caused by expired tokens is recognized', () => {
    for (const name of ['ExpiredToken', 'ExpiredTokenException'])
      expect(isExpiredToken(Object.assign(new Error(), { name }))).to.equal(true)
    for (const thrown of [new Error(), 'ExpiredToken', undefined, null, { name: 'ExpiredToken' }])
      expect(isExpiredToken(thrown)).to.equal(false)
  })
})

describe('a response that is malformed, or not from AWS,', () => {
  const html = '<html><head><title>Log in</title></head><body><p>Hotel</p></body></html>'
  const login = (expiration: string) =>
    `<GetClusterCredentialsResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><GetClusterCredentialsResult><DbUser>IAM:alice</DbUser><DbPassword>${PASSWORD}</DbPassword><Expiration>${expiration}</Expiration></GetClusterCredentialsResult></GetClusterCredentialsResponse>`
  const rows: [string, Wire, Promise<unknown>, RedshiftErrorCode][] = (
    [
      ['a page of a proxy, 403', { status: 403, body: html }, provisioned, 'ERR_REDSHIFT_RESPONSE'],
      ['a page of a proxy, 404', { status: 404, body: html }, serverless, 'ERR_REDSHIFT_RESPONSE'],
      [
        'a page of a proxy, 407',
        { status: 407, body: 'Proxy Authentication Required' },
        provisioned,
        'ERR_REDSHIFT_RESPONSE',
      ],
      ['a page of a proxy, 502', { status: 502, body: html }, provisioned, 'ERR_REDSHIFT_UNAVAILABLE'],
      ['a page of a proxy, 504, serverless', { status: 504, body: html }, serverless, 'ERR_REDSHIFT_UNAVAILABLE'],
      ['a captive portal, 200', { status: 200, body: html }, serverless, 'ERR_REDSHIFT_RESPONSE'],
      ['an error without a name', { status: 400, body: '{}' }, serverless, 'ERR_REDSHIFT_RESPONSE'],
      ['XML that is cut', { status: 200, body: login('2026').slice(0, -80) }, provisioned, 'ERR_REDSHIFT_RESPONSE'],
      ['XML with the password as a date', { status: 200, body: login(PASSWORD) }, provisioned, 'ERR_REDSHIFT_RESPONSE'],
      ['JSON for XML', { status: 200, body: `{"dbPassword":"${PASSWORD}"}` }, provisioned, 'ERR_REDSHIFT_RESPONSE'],
      ['JSON that is cut', { status: 200, body: `{"dbPassword":"${PASSWORD}"` }, serverless, 'ERR_REDSHIFT_RESPONSE'],
      ['JSON that begins with the password', { status: 200, body: `${PASSWORD}` }, serverless, 'ERR_REDSHIFT_RESPONSE'],
      [
        'JSON with the password as a date',
        { status: 200, body: `{"expiration":"${PASSWORD}"}` },
        serverless,
        'ERR_REDSHIFT_RESPONSE',
      ],
      ['an error that is cut', { status: 400, body: `{"__type":"${PASSWORD}` }, serverless, 'ERR_REDSHIFT_RESPONSE'],
      [
        'a password that looks like a stack',
        { status: 200, body: `"\n    at ${PASSWORD}` },
        serverless,
        'ERR_REDSHIFT_RESPONSE',
      ],
    ] as const
  ).map(([what, wire, send, code]) => [what, wire, send(wire), code])
  for (const [what, , error, code] of rows)
    it(`such as ${what}, is ${code}, and is not quoted`, async () => {
      const { message, cause } = expectTold(await error, code)
      for (const text of [message, (cause as Error).message, (cause as Error).stack])
        expect(text).to.not.match(/Hotel|hunter2|raw response|Unexpected token/)
    })
})

describe('a network error on the way to AWS', () => {
  const node = (code: string, message: string): Error => Object.assign(new Error(message), { code })

  const codes: [string, string][] = [
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND redshift.us-west-2.amazonaws.com'],
    ['EAI_AGAIN', 'getaddrinfo EAI_AGAIN redshift.us-west-2.amazonaws.com'],
    ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'],
    ['ECONNRESET', 'read ECONNRESET'],
    ['EHOSTUNREACH', 'connect EHOSTUNREACH 10.0.0.1:443'],
    ['ENETUNREACH', 'connect ENETUNREACH 10.0.0.1:443'],
    ['EPIPE', 'write EPIPE'],
    ['ETIMEDOUT', 'connect ETIMEDOUT 10.0.0.1:443'],
    ['EPROTO', 'write EPROTO ssl3_get_record:wrong version number'],
  ]
  for (const [code, message] of codes)
    it(`${code} is UNAVAILABLE, and keeps its code`, async () => {
      const { cause } = expectTold(
        await provisioned({ error: node(code, message) }),
        'ERR_REDSHIFT_UNAVAILABLE',
        `redshift:GetClusterCredentials`,
        `(${code})`,
        'VPC',
      )
      expect(cause).to.include({ code, message })
    })

  for (const [code, cure] of [
    ['SELF_SIGNED_CERT_IN_CHAIN', ['NODE_EXTRA_CA_CERTS', 'AWS_CA_BUNDLE']],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', ['NODE_EXTRA_CA_CERTS']],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', ['NODE_EXTRA_CA_CERTS']],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', ['NODE_EXTRA_CA_CERTS']],
    ['CERT_HAS_EXPIRED', ['clock', 'TLS']],
    ['ERR_TLS_CERT_ALTNAME_INVALID', ['NODE_EXTRA_CA_CERTS']],
  ] as const)
    it(`${code} is UNAVAILABLE, and names the variables that Node.js reads`, async () => {
      const thrown = await provisioned({ error: node(code, 'It is bad') })
      const error = expectTold(thrown, 'ERR_REDSHIFT_UNAVAILABLE', `(${code})`, ...cure)
      expect(error.cause).to.include({ code })
    })

  it('without a message, as Node creates for several addresses, is UNAVAILABLE', async () => {
    const error = Object.assign(new AggregateError([node('ECONNREFUSED', 'connect')]), { code: 'ECONNREFUSED' })
    expectTold(await provisioned({ error }), 'ERR_REDSHIFT_UNAVAILABLE', '(ECONNREFUSED)', 'VPC')
  })

  it('of a dropped connection that the SDK calls a TimeoutError is UNAVAILABLE', async () => {
    const error = Object.assign(node('ECONNRESET', 'socket hang up'), { name: 'TimeoutError' })
    expectTold(await provisioned({ error }), 'ERR_REDSHIFT_UNAVAILABLE')
  })

  it('of a timeout in the handler is TIMEOUT', async () => {
    const message =
      '@smithy/node-http-handler - the request socket did not establish a connection with the server within the configured timeout of 1000 ms.'
    const error = Object.assign(new Error(message), { name: 'TimeoutError' })
    expectTold(
      await provisioned({ error }),
      'ERR_REDSHIFT_TIMEOUT',
      'within the configured timeout of 1000 ms.',
      'aws.requestHandler',
    )
  })

  it('of another realm is handled like one of this realm', async () => {
    const error = vm.runInNewContext(`Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })`)
    expect(error).to.not.be.instanceOf(Error)
    expectTold(error, 'ERR_REDSHIFT_UNAVAILABLE', '(ECONNREFUSED)')
  })

  it('of another realm is retried by the SDK, and keeps its code', async () => {
    let calls = 0
    const handle = async () => {
      calls++
      throw vm.runInNewContext(`Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })`)
    }
    const aws = { ...configuration({ error: undefined }), requestHandler: { handle }, maxAttempts: 2 } as object
    await using credentials = new RedshiftCredentials({ host, database: 'dev', aws })
    const error = await credentials.get().then(surprise, error => error)
    expectError(error, { code: 'ERR_REDSHIFT_UNAVAILABLE', names: ['(ECONNREFUSED)', 'VPC'] })
    expect(error.cause).to.have.property('code', 'ECONNREFUSED')
    expect(calls).to.equal(2)
  })

  it('is reported without a message or stack that is not a string', () => {
    for (const message of [undefined, null, ['x'], { a: 1 }, 7])
      expectTold(Object.assign(new Error(), { name: 'ThrottlingException', message }), 'ERR_REDSHIFT_THROTTLED')
    expectTold(Object.assign(new Error('It fails.'), { stack: [{}] }), 'ERR_REDSHIFT_UNAVAILABLE')
    const unreadable = Object.defineProperty(new Error('It fails.'), 'stack', {
      get: () => {
        throw new TypeError('It has no text.')
      },
    })
    expectTold(unreadable, 'ERR_REDSHIFT_UNAVAILABLE')
  })

  it('is reported without an HTTP status that is not a number', () => {
    for (const httpStatusCode of [{ toString: [] }, '503', Number.NaN, [503]])
      expectTold(
        Object.assign(new Error('It fails.'), { $metadata: { httpStatusCode } }),
        'ERR_REDSHIFT_UNAVAILABLE',
        'cause',
      )
  })

  it('is converted even if it is not an error', () => {
    for (const thrown of [undefined, null, 'hunter2', 7, {}, { message: PASSWORD }, Symbol('x'), () => PASSWORD])
      expectTold(thrown, 'ERR_REDSHIFT_UNAVAILABLE')
  })

  it('of ours is passed through unchanged', () => {
    const error = new RedshiftCredentialsError('ERR_REDSHIFT_OPTION', 'x')
    expect(toRedshiftError(error, call)).to.equal(error)
  })

  it('is always converted to one of ours', () => {
    const field = fc.oneof(
      fc.anything(),
      fc.constantFrom('AccessDenied', 'Throttling', 'ENOTFOUND', 403, 500, 'client', 'server'),
    )
    fc.assert(
      fc.property(fc.string(), fc.string(), field, field, field, (message, name, code, $fault, httpStatusCode) => {
        const error = Object.assign(new Error(message), { name, code, $fault, $metadata: { httpStatusCode } })
        const { message: told, cause } = toRedshiftError(error, call)
        expect(told).to.match(/\.$/).and.not.include('\n')
        expect(cause).to.not.equal(error)
      }),
    )
  })
})

describe('AWS credentials that cannot be loaded', () => {
  const none = { profile: 'no-such-profile', filepath: '/nonexistent', configFilepath: '/nonexistent' }
  const sso = {
    ssoStartUrl: 'https://example.com/none',
    ssoAccountId: '123456789012',
    ssoRegion: 'us-west-2',
    ssoRoleName: 'r',
  }
  const environment = { ...process.env }
  before(() => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'])
      delete process.env[name]
  })
  // In place: a plain object would hide HOME and other variables from the system.
  after(() => {
    Object.assign(process.env, environment)
  })
  const rows: [what: string, config: () => object, ...names: string[]][] = [
    ['no profile', () => ({ credentials: fromIni(none) }), 'no-such-profile', 'aws.credentials'],
    [
      'no profile of a name such as processor',
      () => ({ credentials: fromIni({ ...none, profile: 'processor' }) }),
      'processor',
      'aws.credentials',
    ],
    ['no variables', () => ({ credentials: fromEnv() }), 'environment variable', 'aws.credentials'],
    ['no credential process', () => ({ credentials: fromProcess(none) }), 'no-such-profile', 'aws.credentials'],
    ['no SSO session', () => ({ credentials: fromSSO(sso) }), '`aws sso login`'],
    [
      'no token file',
      () => ({
        credentials: fromTokenFile({
          webIdentityTokenFile: '/nonexistent/token',
          roleArn: 'arn:aws:iam::123456789012:role/x',
        }),
      }),
      'ENOENT',
      'aws.credentials',
    ],
    ['no keys from a provider', () => ({ credentials: {} }), 'aws.credentials'],
  ]
  for (const [what, config, ...names] of rows)
    it(`because there are ${what} are AWS_CREDENTIALS`, async () => {
      const thrown = toPreparationError(await provisioned({ status: 200, body: '' }, config()), call, [{ kind: 'own' }])
      expectTold(thrown, 'ERR_REDSHIFT_AWS_CREDENTIALS', ...names)
    })

  it('because a credential process fails are reported without its arguments', async () => {
    const error = Object.assign(new Error(`Command failed: get-keys --password ${PASSWORD}\nno`), {
      name: 'CredentialsProviderError',
    })
    expectTold(error, 'ERR_REDSHIFT_AWS_CREDENTIALS', 'command')
  })

  const loadingError = async (region: string | Error): Promise<RedshiftCredentialsError> => {
    const thrown = await provisioned(
      { status: 200, body: '' },
      { region: async () => (region instanceof Error ? Promise.reject(region) : region) },
    )
    return toPreparationError(thrown, call, [{ kind: 'own' }])
  }
  for (const [title, region] of [
    ['without a region', new Error('Region is missing')],
    ['with an empty region', ''],
  ] as const)
    it(`${title} are reported as a missing target`, async () => {
      const error = await loadingError(region)
      expectTold(error, 'ERR_REDSHIFT_TARGET', 'cluster "examplecluster"', 'region', 'AWS_REGION')
    })

  it('with a region that is not one are reported as a wrong target', async () => {
    expectTold(await loadingError('us west 2'), 'ERR_REDSHIFT_TARGET', '"us west 2"', 'AWS_REGION')
  })
})

describe('the AWS SDK', () => {
  for (const [title, code, ...names] of [
    ['that is missing is named', 'ERR_MODULE_NOT_FOUND', '@aws-sdk/client-redshift-serverless', 'missing'],
    ['that cannot be read is not reported as missing', 'EMFILE', '@aws-sdk/client-redshift-serverless', 'EMFILE'],
  ] as const)
    it(title, () => {
      const error = sdkLoadError('Redshift Serverless', Object.assign(new Error('no'), { code }))
      expectError(error, { code: 'ERR_REDSHIFT_UNAVAILABLE', names, omits: code === 'EMFILE' ? ['missing'] : [] })
    })
})

describe('a message of AWS or the SDK', () => {
  const says = (message: string, more: object = {}): RedshiftCredentialsError =>
    toRedshiftError(Object.assign(new Error(message), more), call)
  const withoutRemedy = ({ message, remedy = '' }: RedshiftCredentialsError): string =>
    message.slice(0, -remedy.length).trim()
  const fault = { name: 'SignatureDoesNotMatch', $fault: 'client', $metadata: { httpStatusCode: 403 } }

  it('is cut before the canonical strings, which contain the session token', async () => {
    const message = `The signature does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\nx-amz-security-token:${TOKEN}\n'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256'`
    const error = expectTold(
      await provisioned({ status: 403, body: xml('SignatureDoesNotMatch', message) }),
      'ERR_REDSHIFT_AWS_CREDENTIALS',
    )
    expect(withoutRemedy(error)).to.match(/: The signature does not match\.$/)
    for (const one of ['x The Canonical String hunter2', 'x The String-to-Sign hunter2'])
      expect(withoutRemedy(says(one, fault))).to.match(/: x\.$/)
  })

  it('is reported without keys, secrets and tokens, wherever they are', () => {
    for (const secret of [KEY, KEY.replace('AKIA', 'ASIA'), SECRET, SECRET_WITHOUT_DIGIT, TOKEN])
      for (const message of [
        secret,
        `a ${secret} b`,
        `a='${secret}',`,
        `Credential=${secret}/20260101/us-west-2`,
        `${secret}\n${secret}`,
      ]) {
        const error = says(message, fault)
        expect(disclosures({ error }, [secret]), message).to.deep.equal([])
      }
  })

  it("is reported without an error's other properties", () => {
    const carried = {
      ...fault,
      $response: { body: PASSWORD, headers: { 'x-amz-security-token': TOKEN } },
      $responseBodyText: PASSWORD,
      request: { TOKEN },
      cause: new Error(SECRET),
      errors: [PASSWORD],
    }
    expectSafe(says('x', carried))
    expectSafe(says('x', { code: SECRET, name: TOKEN }))
    const lying = new Error('x')
    lying.stack = `Error: ${TOKEN}\n    at ${SECRET}\n    at send (/app/node_modules/sdk/send.js:1:2)`
    const { cause } = toRedshiftError(lying, call)
    expectSafe(toRedshiftError(lying, call))
    expect((cause as Error).stack).to.equal('Error: x\n    at send (/app/node_modules/sdk/send.js:1:2)')
  })

  it('is reported without the user of a URL, quoted JSON, and control characters', () => {
    for (const [message, told] of [
      ['proxy http://user:hunter2@proxy:3128 failed', 'proxy http://…@proxy:3128 failed'],
      ['connect https://hunter2@[::1]:1/x', 'connect https://…@[::1]:1/x'],
      ['Unexpected token \'h\', "hunter2 hunt"... is not valid JSON', 'it is not valid JSON'],
      ['Unexpected token h in JSON at position 0', 'it is not valid JSON'],
      ['"hunter2" is not valid JSON', 'it is not valid JSON'],
      ['Unexpected token \'h\', "hunter2\nhunter2" is not valid JSON', 'it is not valid JSON'],
      ['Unexpected token \'h\', "hunter2\r\n\r\nhunter2"... is not valid JSON', 'it is not valid JSON'],
      ['proxy http://user:hunter2/hunter2?#@proxy:3128 failed', 'proxy http://…@proxy:3128 failed'],
      ['no proxy //user:hunter2@proxy:3128/', 'no proxy //…@proxy:3128/'],
      ['request to https://idp.example/token?client_secret=hunter2&x=hunter2 failed', 'idp.example/token?… failed'],
      ['GET /?Action=x&X-Amz-Security-Token=hunter2%2F failed', 'GET /?… failed'],
      ['grant_type=x&client_secret=hunter2&a=b', 'grant_type=x&client_secret=…&a=b'],
      ["no keys in { SecretAccessKey: 'hunter2' }", 'no keys in {…}'],
      ['no keys in {"Password":"hunter2"}', 'no keys in {…}'],
      ['no keys in { "Password": "hunter2', 'no keys in {…}'],
      ['no \u001b[31mred\u001b[0m\u0007', 'no [31mred[0m'],
      ['\u202ereversed\u2066\u200b', 'reversed'],
    ] as const) {
      const { message: all } = says(message, fault)
      expect(all)
        .to.include(told)
        .and.not.match(/hunter2|[\p{Cc}\u200b\u202e\u2066]/u)
    }
  })

  it('is at most a thousand characters long', () => {
    const { message } = says('word '.repeat(100_000), fault)
    expect(message).to.have.length.below(1_500)
    expect(message).to.match(/…/)
  })

  it('leaves name, code, $fault and $metadata in the cause, and its stack frames', async () => {
    const original = (await provisioned({ status: 403, body: xml('AccessDenied', 'no') })) as Error
    const { cause } = toRedshiftError(original, call)
    expect(cause).to.not.equal(original)
    expect(cause).to.be.instanceOf(Error).and.include({ name: 'AccessDenied', message: 'no', $fault: 'client' })
    expect(cause).to.have.nested.property('$metadata.httpStatusCode', 403)
    expect(Reflect.ownKeys(cause as Error)).to.have.members(['stack', 'message', 'name', '$fault', '$metadata'])
    // Providers of AWS credentials may put anything there.
    const $metadata = { requestId: 'a-1', attempts: 2, headers: { authorization: 'hunter2' }, cfId: 'hunter2' }
    const { cause: copy } = toRedshiftError(
      Object.assign(new Error('no'), { $fault: { key: 'hunter2' }, $metadata }),
      call,
    )
    expect(copy).to.have.deep.property('$metadata', { requestId: 'a-1', attempts: 2 })
    expect(copy).to.not.have.property('$fault')
    const frames = (original.stack ?? '').split('\n').filter(line => /^ +at /.test(line))
    expect((cause as Error).stack).to.equal(['AccessDenied: no', ...frames].join('\n'))
  })
})

describe('the call in a message', () => {
  const describeOf = (options: Parameters<typeof resolveRequest>[0]) =>
    describeCall(resolveRequest({ database: 'dev', ...options }))

  it('has its action, target and the resources that a policy must allow', () => {
    expect(describeOf({ host, dbUser: 'alice' })).to.deep.equal({
      action: 'redshift:GetClusterCredentials',
      target: 'cluster "examplecluster"',
      region: 'us-west-2',
      otherKind: 'set workgroupName if it is a serverless workgroup',
      resources: [
        'arn:aws:redshift:us-west-2:<account>:dbuser:examplecluster/alice',
        'arn:aws:redshift:us-west-2:<account>:dbname:examplecluster/dev',
      ],
    })
    expect(describeOf({ host }).action).to.equal('redshift:GetClusterCredentialsWithIAM')
    expect(describeOf({ host }).resources).to.deep.equal([
      'arn:aws:redshift:us-west-2:<account>:dbname:examplecluster/dev',
    ])
    expect(describeCall(resolveRequest({ host, dbName: null })).resources).to.deep.equal([
      'arn:aws:redshift:us-west-2:<account>:dbname:examplecluster/*',
    ])
    expect(describeOf({ workgroupName: 'analytics' })).to.deep.equal({
      action: 'redshift-serverless:GetCredentials',
      target: 'workgroup "analytics"',
      region: undefined,
      resources: ['arn:aws:redshift-serverless:<region>:<account>:workgroup/<workgroup id>'],
    })
  })

  it('has the partition of its region', () => {
    const arn = (region: string) => describeOf({ clusterIdentifier: 'c', region }).resources[0]
    expect(arn('cn-north-1')).to.match(/^arn:aws-cn:/)
    expect(arn('us-gov-west-1')).to.match(/^arn:aws-us-gov:/)
    expect(arn('us-west-2')).to.match(/^arn:aws:/)
  })

  it('has other remedies, if there are any', async () => {
    const thrown = await provisioned({ status: 403, body: xml('AccessDenied', 'no') })
    const { remedy } = toRedshiftError(thrown, { ...call, alternative: 'set host' })
    expect(remedy).to.match(/ set host\.$/)
  })
})

describe('a response of AWS', () => {
  const expiration = new Date('2026-03-01T12:15:00Z')
  const complete = { user: 'IAM:alice', password: PASSWORD, expiration, nextRefreshTime: undefined }
  const login = { DbUser: 'IAM:alice', DbPassword: PASSWORD }
  it('that is complete is accepted', () => {
    expect(checkLogin(call, complete)).to.deep.equal(complete)
    const nextRefreshTime = new Date('2026-03-01T12:10:00Z')
    expect(checkLogin(call, { ...complete, nextRefreshTime })).to.deep.equal({ ...complete, nextRefreshTime })
  })

  it('with a nextRefreshTime that is not a date is accepted without it', () => {
    expect(checkLogin(call, { ...complete, nextRefreshTime: new Date(Number.NaN) })).to.deep.equal(complete)
  })

  for (const [lack, changes] of [
    ['user', { user: undefined }],
    ['user', { user: '' }],
    ['password', { password: undefined }],
    ['password', { password: '' }],
    ['expiration', { expiration: undefined }],
    ['expiration', { expiration: new Date(Number.NaN) }],
  ] as const)
    it(`without a ${lack} is rejected, and the error names what is missing, but no values`, () => {
      const error = thrownBy(() => checkLogin(call, { ...complete, ...changes }))
      const lacks = ['user', 'password', 'expiration']
      expectSafe(
        expectError(error, {
          code: 'ERR_REDSHIFT_RESPONSE',
          names: ['redshift:GetClusterCredentials', lack],
          omits: lacks.filter(other => other !== lack),
        }),
      )
    })

  for (const nothing of [undefined, null, 0, 'text', {}])
    it(`of a ready client that returns ${JSON.stringify(nothing)} is RESPONSE`, async () => {
      await using credentials = new RedshiftCredentials({ aws: { send: async () => nothing } })
      const error = await credentials.get({ host, database: 'dev', user: 'IAM:alice' }).catch(error => error)
      expect(error.code).to.equal('ERR_REDSHIFT_RESPONSE')
    })

  it('of a ready client with a nextRefreshTime that is a string is accepted without it', async () => {
    const later = new Date(Date.now() + 900_000)
    const send = async () => ({ ...login, Expiration: later, NextRefreshTime: later.toISOString() })
    await using credentials = new RedshiftCredentials({ aws: { send } })
    const { user, nextRefreshTime } = await credentials.get({ host, database: 'dev', user: 'IAM:alice' })
    expect([user, nextRefreshTime]).to.deep.equal(['IAM:alice', undefined])
  })

  it('of a ready client that throws when it is read settles the call, with one of our errors', async () => {
    const send = async () => ({
      get DbUser() {
        throw new TypeError('It throws.')
      },
    })
    await using credentials = new RedshiftCredentials({ aws: { send } })
    const error = await credentials.get({ host, database: 'dev', user: 'IAM:alice' }).catch(error => error)
    expectError(error, { code: 'ERR_REDSHIFT_UNAVAILABLE', names: ['TypeError', 'aws'], omits: ['It throws'] })
    expect(credentials.status()[0]?.lastError).to.have.property('message', error.message)
  })

  it('without an address is UNAVAILABLE', () => {
    expect(checkEndpoint(call, 'h', 5439)).to.deep.equal({ host: 'h', port: 5439 })
    for (const [host, port] of [
      [undefined, 5439],
      ['h', undefined],
      ['', 5439],
      ['h', 0],
    ] as const)
      expectError(
        thrownBy(() => checkEndpoint(call, host, port)),
        { code: 'ERR_REDSHIFT_UNAVAILABLE', names: ['cluster "examplecluster"', 'host'] },
      )
  })
})
