import { expect } from 'chai'
import type { Fault, FaultScope } from '../../lib/emulator/index.js'
import { CLUSTER, type Env, useCli } from '../support/cli.js'
import { startEmulator } from '../support/emulator.js'

const STEPS = ['target', 'region', 'credentials', 'api', 'clock', 'network', 'tls', 'login', 'session', 'expiry']
const BY_IDENTIFIER = ['--cluster-identifier', 'examplecluster', '--region', 'us-west-2']
/** The emulator's passwords and tokens are longer than anything else in the output. */
const SECRET = /[\w+/=-]{100}/

/** A step of `--json`. */
interface Step {
  readonly step: string
  readonly status: string
  readonly code?: string
  readonly message?: string
  readonly [detail: string]: unknown
}

describe('pg-redshift-iam check', () => {
  const cli = useCli({ databases: ['dev', 'cli_locked'] })

  const checkJson = async (parameters: readonly string[], env?: Env) => {
    const ended = await cli.run(['check', '--json', ...parameters], env)
    const { exitCode, ok, steps, notes } = JSON.parse(ended.stdout) as {
      exitCode: number
      ok: boolean
      steps: Step[]
      notes: string[]
    }
    expect(ended.code).to.equal(exitCode)
    expect(steps.map(({ step }) => step)).to.deep.equal(STEPS)
    const failed = steps.filter(({ status }) => status === 'failed')
    const named = (name: string): Step => steps.find(({ step }) => step === name) ?? { step: name, status: 'missing' }
    return { ...ended, ok, steps, failed, named, notes: notes.join('\n') }
  }

  /** The step that failed first, which must be this one: by name, exit code and section. */
  const failure = async (step: string, parameters: readonly string[], env?: Env) => {
    const { failed, ok, code, stderr } = await checkJson(parameters, env)
    const [first] = failed
    if (first?.step !== step) throw new Error(`Expected the step ${step} to fail first:\n${stderr}`)
    const { code: errorCode, message = '', section } = first
    expect(ok).to.equal(false)
    expect(code).to.equal(10 + STEPS.indexOf(step))
    expect(stderr).to.include(`✖ ${step}`).and.include(message).and.include(section)
    const anchor = errorCode?.startsWith('ERR_REDSHIFT_') ? errorCode.toLowerCase() : undefined
    expect(section).to.match(/docs\/troubleshooting\.md#(step-\w+|err_redshift_\w+|wrong-flags)$/)
    if (anchor) expect(section).to.match(new RegExp(`#(${anchor}|step-${step})$`))
    return { code: errorCode, message, section }
  }

  const failureWith = async (fault: Fault, step: string, parameters: readonly string[], scope?: FaultScope) => {
    using _ = cli.emulator.fail(fault, scope)
    return await failure(step, parameters)
  }

  it('passes every step, and prints what each found', async () => {
    const { code, stdout, stderr } = await cli.run(['check', '--host', CLUSTER])
    expect(code).to.equal(0)
    expect(stdout).to.equal('All steps passed.\n')
    expect(stderr.trimEnd()).to.match(/\S+troubleshooting\.md#check-passes-my-program-fails$/)
    expect(stderr.match(/^✔ \w+/gm)).to.deep.equal(STEPS.map(step => `✔ ${step}`))
    for (const found of [
      'examplecluster',
      'us-west-2',
      'arn:aws:sts::123456789012:assumed-role/analyst/session',
      'GetClusterCredentialsWithIAM',
      'IAMR:analyst',
      'pg-redshift-iam emulator ← pg-redshift-iam emulator CA',
    ])
      expect(stderr).to.include(found)
  })

  it('finds the cluster in PGHOST, and the tunnel in PGHOSTADDR', async () => {
    const { code, stderr, named } = await checkJson([], { PGHOST: CLUSTER })
    expect(code, stderr).to.equal(0)
    expect(named('target').finding).to.include('PGHOST')
    expect(named('network')).to.include({ host: CLUSTER, address: '127.0.0.1' })
  })

  it('prints the same as JSON, without a secret', async () => {
    const { stdout, stderr, named } = await checkJson([...BY_IDENTIFIER, '--db-user', 'alice', '--debug'])
    expect(named('target')).to.include({ target: 'examplecluster', api: 'GetClusterCredentials', user: 'alice' })
    expect(named('region')).to.include({ region: 'us-west-2' })
    expect(named('credentials')).to.include({ arn: 'arn:aws:sts::123456789012:assumed-role/analyst/session' })
    expect(named('api')).to.include({ status: 'passed', user: 'IAM:alice' })
    expect(named('network')).to.include({ host: CLUSTER, port: cli.emulator.address.port, address: '127.0.0.1' })
    expect(named('session')).to.include({ currentUser: 'alice' })
    expect(Date.parse(String(named('expiry').refreshAt))).to.be.below(Date.parse(String(named('expiry').expiration)))
    expect(named('expiry').secondsLeft).to.be.within(840, 900)
    const { secretAccessKey, sessionToken } = cli.emulator.aws.credentials
    for (const secret of [secretAccessKey, sessionToken]) expect(stdout + stderr).not.to.include(secret)
    expect(stdout + stderr).not.to.match(SECRET)
  })

  describe('with --identity-center', () => {
    const token = ['--identity-center']

    for (const target of [
      ['--host', CLUSTER],
      ['--workgroup-name', 'analytics', '--region', 'us-west-2'],
    ])
      it(`finds the person and the expiry of the token, and prints no part of it: ${target[0]}`, async () => {
        const { code, stdout, stderr, named } = await checkJson([...target, ...token, '--debug'])
        expect(code, stderr).to.equal(0)
        expect(named('target')).to.include({ api: 'GetIdentityCenterAuthToken' })
        expect(named('login')).to.include({ status: 'passed' })
        expect(named('session')).to.include({ currentUser: 'awsidc:alice@example.com' })
        expect(named('expiry').secondsLeft).to.be.within(3_540, 3_600)
        expect(stdout + stderr).not.to.match(SECRET)
      })

    it('fails at api if the AWS credentials belong to no person', async () => {
      const { person } = cli.emulator
      cli.emulator.person = null
      const { code } = await failure('api', ['--host', CLUSTER, ...token])
      cli.emulator.person = person
      expect(code).to.equal('ERR_REDSHIFT_UNSUPPORTED')
    })

    it('fails at login if Redshift does not know the identity provider', async () => {
      const fault = { sqlstate: '0A000', message: 'identity provider type "awsidc" is not supported' }
      const { code, message } = await failureWith({ kind: 'reject-login', ...fault }, 'login', [
        '--host',
        CLUSTER,
        ...token,
      ])
      expect(code).to.equal('ERR_REDSHIFT_UNSUPPORTED')
      expect(message).to.include('CREATE IDENTITY PROVIDER')
    })

    it('fails at target if a user is given', async () => {
      const { code, message } = await failure('target', ['--host', CLUSTER, ...token, '--db-user', 'alice'])
      expect(code).to.equal('ERR_REDSHIFT_OPTION')
      expect(message).to.include('--db-user')
    })

    for (const [command, remedy] of [
      [['exec', '--', 'true'], 'RedshiftPool'],
      [['credentials'], 'getToken'],
    ] as const)
      it(`is refused by ${command[0]}, which names what supports tokens`, async () => {
        const [name, ...rest] = command
        const message = await cli.refusal([name, '--host', CLUSTER, '--db-name', 'dev', ...token, ...rest])
        expect(message).to.include(remedy)
      })
  })

  it('uses --ca-bundle to verify AWS, but not the cluster', async () => {
    const { code } = await checkJson(['--host', CLUSTER, '--ca-bundle', `${cli.folder}/dist/cli/amazon-roots.pem`])
    expect(code).to.equal(0)
  })

  describe('notes what a program may do differently:', () => {
    it('settings that only check reads, and common mistakes', async () => {
      const { ok, notes, named, stderr } = await checkJson(['--cluster-identifier', 'examplecluster'], {
        AWS_DEFAULT_REGION: 'us-west-2',
        AWS_CA_BUNDLE: `${cli.folder}/dist/cli/amazon-roots.pem`,
      })
      expect(ok, stderr).to.equal(true)
      expect(named('region').finding).to.include('AWS_DEFAULT_REGION')
      for (const needed of ['AWS_REGION', 'NODE_EXTRA_CA_CERTS', 'redshift.host', 'ssl: true', 'connectionString'])
        expect(notes).to.include(needed)
      for (const note of notes.split('\n')) expect(stderr).to.include(note)
    })

    it('nothing about settings that are not set', async () => {
      const { notes } = await checkJson(['--host', CLUSTER])
      expect(notes).not.to.match(/AWS_REGION|NODE_EXTRA_CA_CERTS/)
    })

    it('nothing about certificates that the program trusts too', async () => {
      const ca = `${cli.folder}/ca.pem`
      const { notes } = await checkJson(['--host', CLUSTER], {
        AWS_CA_BUNDLE: ca,
        NODE_EXTRA_CA_CERTS: ca,
        PGSSLROOTCERT: ca,
      })
      expect(notes).not.to.match(/AWS_CA_BUNDLE|PGSSLROOTCERT/)
    })

    it('nothing about AWS_DEFAULT_REGION if the host names the region', async () => {
      const { notes, named } = await checkJson(['--host', CLUSTER], { AWS_DEFAULT_REGION: 'eu-west-1' })
      expect(named('region')).to.include({ region: 'us-west-2' })
      expect(notes).not.to.include('AWS_DEFAULT_REGION')
    })
  })

  it('passes without the ARN of the AWS identity if STS cannot be reached', async () => {
    const { code, named } = await checkJson(['--host', CLUSTER], { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' })
    expect(code).to.equal(0)
    expect(named('credentials')).to.include({ status: 'passed', provider: 'environment variables', arn: null })
  })

  it('passes without the ARN of the AWS identity if STS refuses the call, and says why', async () => {
    using _ = cli.emulator.fail({ kind: 'access-denied' }, { operation: 'GetCallerIdentity' })
    const { code, named } = await checkJson(['--host', CLUSTER])
    expect(code).to.equal(0)
    expect(named('credentials')).to.include({ status: 'passed', arn: null })
    expect(named('credentials').finding).to.include('AccessDenied')
  })

  describe('fails at', () => {
    it('target: none is given', async () => {
      const { code, message } = await failure('target', [])
      expect(code).to.equal('USAGE')
      for (const flag of ['--host', '--cluster-identifier', '--workgroup-name', '--region'])
        expect(message).to.include(flag)
    })

    it('target: host and flag contradict each other', async () => {
      const { code, message } = await failure('target', ['--host', CLUSTER, '--cluster-identifier', 'other'])
      expect(code).to.equal('ERR_REDSHIFT_TARGET')
      expect(message).to.include('--cluster-identifier').and.include('--host').and.include('examplecluster')
    })

    it('target: the host is a JDBC URL', async () => {
      const url = 'jdbc:redshift:iam://examplecluster:us-west-2/dev'
      const { code, message } = await failure('target', ['--host', url, '--db-name', 'dev'], { PGPORT: undefined })
      expect(code).to.equal('ERR_REDSHIFT_TARGET')
      for (const flag of ['--host', '--port', '--db-name', '--cluster-identifier', '--workgroup-name', '--region'])
        expect(message).to.include(flag)
    })

    it('target: the host is a JDBC URL, and no database is named', async () => {
      const { code } = await failure('target', ['--host', 'jdbc:redshift:iam://examplecluster:us-west-2/dev'], {
        PGDATABASE: '',
      })
      expect(code).to.equal('ERR_REDSHIFT_TARGET')
    })

    it('region: none is known', async () => {
      const { code, message } = await failure('region', ['--cluster-identifier', 'examplecluster'])
      expect(code).to.equal('ERR_REDSHIFT_TARGET')
      expect(message).to.include('--region').and.include('AWS_REGION')
    })

    it('credentials: there are none', async () => {
      const { message, code } = await failure('credentials', ['--host', CLUSTER], {
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
      })
      expect(code).to.equal('ERR_REDSHIFT_AWS_CREDENTIALS')
      expect(message).to.include('AWS_PROFILE').and.include('aws sso login')
    })

    it('credentials: the profile does not exist', async () => {
      const { code, message } = await failure('credentials', ['--host', CLUSTER, '--profile', 'nope'])
      expect(code).to.equal('ERR_REDSHIFT_AWS_CREDENTIALS')
      expect(message).to.include('"nope"')
    })

    it('credentials: their session has expired', async () => {
      using _ = cli.emulator.fail({ kind: 'expired-token' }, { operation: 'GetCallerIdentity' })
      const { code, message } = await failureWith({ kind: 'expired-token' }, 'credentials', ['--host', CLUSTER])
      expect(code).to.equal('ERR_REDSHIFT_AWS_CREDENTIALS')
      expect(message).to.include('AWS_SESSION_TOKEN')
    })

    it('api: the policy denies the call', async () => {
      const { message, code } = await failureWith({ kind: 'access-denied' }, 'api', ['--host', CLUSTER])
      expect(code).to.equal('ERR_REDSHIFT_ACCESS_DENIED')
      expect(message).to.include('redshift:GetClusterCredentialsWithIAM on arn:aws:redshift:us-west-2')
    })

    it('api, and still checks the server', async () => {
      using _ = cli.emulator.fail({ kind: 'not-found' })
      const { named } = await checkJson(['--host', CLUSTER])
      expect(named('api')).to.include({ status: 'failed', code: 'ERR_REDSHIFT_NOT_FOUND' })
      expect(named('tls').status).to.equal('passed')
      expect(named('login').status).to.equal('skipped')
    })

    it('clock: it is more than five minutes off', async () => {
      const { message, code } = await failureWith({ kind: 'clock-skew', seconds: 400 }, 'clock', ['--host', CLUSTER])
      expect(code).to.equal('CLOCK_SKEW')
      expect(message)
        .to.match(/\b(39\d|40\d) s\b/)
        .and.include('NTP')
    })

    it('network: the name has no address', async () => {
      const { code, message } = await failure('network', ['--host', 'nowhere.invalid', ...BY_IDENTIFIER], {
        PGHOSTADDR: undefined,
      })
      expect(code).to.be.oneOf(['ENOTFOUND', 'EAI_AGAIN'])
      expect(message).to.include('"nowhere.invalid"')
    })

    it('network: nothing listens', async () => {
      const { message, code } = await failure('network', ['--host', CLUSTER, '--port', '1'])
      expect(code).to.equal('ECONNREFUSED')
      expect(message).to.include(`${CLUSTER}:1 (127.0.0.1)`)
    })

    it('network: the identity may not look the address up', async () => {
      const denied = { operation: 'DescribeClusters' } as const
      const { message, code } = await failureWith({ kind: 'access-denied' }, 'network', BY_IDENTIFIER, denied)
      expect(code).to.equal('ERR_REDSHIFT_ACCESS_DENIED')
      expect(message).to.include('redshift:DescribeClusters').and.include('--host')
    })

    it('tls: the certificate is not trusted', async () => {
      const { message, code } = await failure('tls', ['--host', CLUSTER], { NODE_EXTRA_CA_CERTS: undefined })
      expect(code).to.equal('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
      expect(message)
        .to.include('"pg-redshift-iam emulator CA ')
        .and.include('PGSSLROOTCERT')
        .and.not.include('--ca-bundle')
    })

    it('tls: PGSSLROOTCERT contains other authorities', async () => {
      const PGSSLROOTCERT = `${cli.folder}/dist/cli/amazon-roots.pem`
      await failure('tls', ['--host', CLUSTER, '--ca-bundle', `${cli.folder}/ca.pem`], { PGSSLROOTCERT })
    })

    it('tls: PGSSLROOTCERT cannot be read', async () => {
      const { code, message } = await failure('tls', ['--host', CLUSTER], { PGSSLROOTCERT: 'no.pem' })
      expect(code).to.equal('USAGE')
      expect(message).to.include('"no.pem"').and.include('ENOENT').and.include('PGSSLROOTCERT')
    })

    it('tls: the certificate is for another name', async () => {
      const { message, code } = await failure('tls', ['--host', 'db.example.com', ...BY_IDENTIFIER])
      expect(code).to.equal('ERR_TLS_CERT_ALTNAME_INVALID')
      expect(message).to.include('"db.example.com"').and.include('--host').and.include('PGHOSTADDR')
    })

    it('tls: it is turned off', async () => {
      const { message, code, section } = await failure('tls', ['--host', CLUSTER], { PGSSLMODE: 'disable' })
      expect(code).to.equal('ERR_REDSHIFT_TLS')
      expect(section).to.match(/#step-tls$/)
      expect(message).to.include('PGSSLMODE')
    })

    it('login: the server refuses a new login', async () => {
      const { message, code } = await failureWith({ kind: 'reject-login' }, 'login', ['--host', CLUSTER])
      expect(code).to.equal('ERR_REDSHIFT_LOGIN_REJECTED')
      expect(message).to.include('IAMR:analyst')
    })

    it('login: the database user does not exist', async () => {
      const fault: Fault = { kind: 'reject-login', sqlstate: '42704', message: 'user "IAM:alice" does not exist' }
      const { message, code } = await failureWith(fault, 'login', ['--host', CLUSTER, '--db-user', 'alice'])
      expect(code).to.equal('42704')
      expect(message).to.include(fault.message).and.include('--auto-create')
    })

    it('login: the server reports a timeout of its own', async () => {
      const message = 'canceling authentication due to timeout'
      const fault: Fault = { kind: 'reject-login', sqlstate: '57014', message }
      const found = await failureWith(fault, 'login', ['--host', CLUSTER])
      expect(found.code).to.equal('57014')
      expect(found.message).to.include(message)
    })

    it('login: PGOPTIONS sets a parameter that Redshift does not have', async () => {
      const { message, code } = await failure('login', ['--host', CLUSTER], { PGOPTIONS: '-c no_such_parameter=1' })
      expect(code).to.equal('42704')
      expect(message).to.include('PGOPTIONS').and.not.include('--auto-create')
    })

    it('session: the user lacks a privilege', async () => {
      await cli.emulator.query('REVOKE EXECUTE ON FUNCTION version() FROM PUBLIC', 'cli_locked')
      const { message, code } = await failure('session', ['--host', CLUSTER, '--db-name', 'cli_locked'])
      expect(code).to.equal('42501')
      expect(message).to.include('GRANT')
    })

    it('expiry: the login is about to expire', async () => {
      const brief = await startEmulator({ lifetimeSeconds: 40 })
      try {
        const { message, code } = await failure('expiry', ['--host', CLUSTER], {
          AWS_ENDPOINT_URL_REDSHIFT: brief.endpoint,
          AWS_ENDPOINT_URL_STS: brief.endpoint,
          PGPORT: String(brief.address.port),
          NODE_EXTRA_CA_CERTS: cli.env.NODE_EXTRA_CA_CERTS,
        })
        expect(code).to.equal('SHORT_LIFETIME')
        expect(message)
          .to.match(/\b\d\d s\b/)
          .and.include('aws sso login')
      } finally {
        await brief.close()
      }
    })
  })
})
