import { expect } from 'chai'
import type { Fault, FaultScope, RedshiftEmulator } from '../../lib/emulator/index.js'
import { type Cli, withCli } from '../support/cli.js'
import { startEmulator } from '../support/emulator.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const STEPS = ['target', 'region', 'credentials', 'api', 'clock', 'network', 'tls', 'login', 'session', 'expiry']

/** A step of `--json`. */
interface Step {
  readonly step: string
  readonly status: string
  readonly code?: string
  readonly message?: string
  readonly [detail: string]: unknown
}

type Env = Readonly<Record<string, string | undefined>>

describe('pg-redshift-iam check', function () {
  this.timeout(60_000)
  let emulator: RedshiftEmulator
  let cli: Cli
  withCli(
    (built, started) => {
      cli = built
      emulator = started
    },
    { databases: ['dev', 'cli_locked'] },
  )

  const withFault = async <T>(fault: Fault, work: () => Promise<T>, scope?: FaultScope): Promise<T> => {
    const active = emulator.fail(fault, scope)
    try {
      return await work()
    } finally {
      active.clear()
    }
  }

  const checkJson = async (parameters: readonly string[], env?: Env) => {
    const ended = await cli.run(['check', '--json', ...parameters], env)
    const { exitCode, ok, steps } = JSON.parse(ended.stdout) as { exitCode: number; ok: boolean; steps: Step[] }
    expect(ended.code).to.equal(exitCode)
    expect(steps.map(({ step }) => step)).to.deep.equal(STEPS)
    const failed = steps.filter(({ status }) => status === 'failed')
    const named = (name: string): Step => steps.find(({ step }) => step === name) ?? { step: name, status: 'missing' }
    return { ...ended, ok, steps, failed, named }
  }

  /** The first step that failed, after the process was found to say so in every way. */
  const failure = async (step: string, parameters: readonly string[], env?: Env): Promise<Step> => {
    const { failed, ok, code, stderr } = await checkJson(parameters, env)
    const [first] = failed
    if (first?.step !== step) throw new Error(`The step ${step} was to fail first, not:\n${stderr}`)
    expect(ok).to.equal(false)
    expect(code).to.equal(10 + STEPS.indexOf(step))
    expect(stderr).to.include(`✖ ${step}`).and.include(first.message).and.include('docs/troubleshooting.md#')
    return first
  }

  it('passes every step of a set-up that works, and tells what each has found', async () => {
    const { code, stdout, stderr } = await cli.run(['check', '--host', CLUSTER])
    expect(code).to.equal(0)
    expect(stdout).to.equal('All steps passed.\n')
    expect(stderr.trimEnd()).to.match(/More: \S+troubleshooting\.md#check-passes-my-program-fails$/)
    expect(stderr.match(/^✔ \w+/gm)).to.deep.equal(STEPS.map(step => `✔ ${step}`))
    expect(stderr).to.include('cluster examplecluster (read off --host)')
    expect(stderr).to.include('us-west-2 (read off the host)')
    expect(stderr).to.include('environment variables; identity arn:aws:sts::123456789012:assumed-role/analyst/session')
    expect(stderr).to.include('GetClusterCredentialsWithIAM gave a login for IAMR:analyst')
    expect(stderr).to.include('pg-redshift-iam emulator ← pg-redshift-iam emulator CA')
    expect(stderr).to.include('current_user is IAMR:analyst')
    expect(stderr).to.match(/expires \S+Z, in 1[45] min \d+ s; refreshed on use after \S+Z/)
  })

  it('tells the same to machines, without a secret', async () => {
    const { stdout, stderr, named } = await checkJson([
      '--cluster-identifier',
      'examplecluster',
      '--region',
      'us-west-2',
      '--db-user',
      'alice',
      '--debug',
    ])
    expect(named('api')).to.include({ status: 'passed', user: 'IAM:alice' })
    expect(named('network')).to.include({ host: CLUSTER, port: emulator.address.port, address: '127.0.0.1' })
    expect(named('session')).to.include({ currentUser: 'alice' })
    expect(Date.parse(String(named('expiry').refreshAt))).to.be.below(Date.parse(String(named('expiry').expiration)))
    const { secretAccessKey, sessionToken } = emulator.aws.credentials
    for (const secret of [secretAccessKey, sessionToken]) expect(stdout + stderr).not.to.include(secret)
    // The emulator's passwords are of this length, and nothing else is.
    expect(stdout + stderr).not.to.match(/[\w+/=-]{100}/)
  })

  describe('with --identity-center', () => {
    const token = ['--identity-center']

    it('tells whose token it is, until when it is valid, and no part of it', async () => {
      for (const target of [
        ['--host', CLUSTER],
        ['--workgroup-name', 'analytics', '--region', 'us-west-2'],
      ]) {
        const { code, stdout, stderr, named } = await checkJson([...target, ...token, '--debug'])
        expect(stderr).to.match(/GetIdentityCenterAuthToken gave a token/)
        expect(code).to.equal(0)
        expect(named('login')).to.include({ status: 'passed' })
        expect(named('session')).to.include({ currentUser: 'awsidc:alice@example.com' })
        expect(stderr).to.match(/expires \S+Z, in (59|60) min/)
        expect(stdout + stderr).not.to.match(/[\w+/=-]{100}/)
      }
    })

    it('fails at api: the AWS credentials name no person', async () => {
      const { person } = emulator
      emulator.person = null
      const { code, message } = await failure('api', ['--host', CLUSTER, ...token])
      emulator.person = person
      expect(code).to.equal('ERR_REDSHIFT_UNSUPPORTED')
      expect(message).to.include('identity-enhanced')
    })

    it('fails at login: Redshift does not know the identity provider', async () => {
      const fault = { sqlstate: '0A000', message: 'identity provider type "awsidc" is not supported' }
      const { message } = await withFault({ kind: 'reject-login', ...fault }, () =>
        failure('login', ['--host', CLUSTER, ...token]),
      )
      expect(message).to.include('CREATE IDENTITY PROVIDER')
    })

    it('fails at target: a user does not go with it', async () => {
      const { message } = await failure('target', ['--host', CLUSTER, ...token, '--db-user', 'alice'])
      expect(message).to.include('the token names the person')
    })

    it('is refused by exec and credentials, which name what can carry a token', async () => {
      for (const command of [['exec', '--', 'true'], ['credentials']]) {
        const [name = '', ...rest] = command
        const ended = await cli.run([name, '--host', CLUSTER, '--db-name', 'dev', ...token, ...rest])
        expect(ended.code).to.not.equal(0)
        expect(ended.stderr).to.match(/RedshiftPool|getToken/)
      }
    })
  })

  it('verifies AWS, and not the cluster, with --ca-bundle', async () => {
    const { code } = await checkJson(['--host', CLUSTER, '--ca-bundle', `${cli.folder}/dist/cli/amazon-roots.pem`])
    expect(code).to.equal(0)
  })

  it('says what only it reads, and what a program may have different', async () => {
    const { stdout, stderr } = await cli.run(['check', '--json', '--cluster-identifier', 'examplecluster'], {
      AWS_DEFAULT_REGION: 'us-west-2',
      AWS_CA_BUNDLE: `${cli.folder}/ca.pem`,
    })
    const { ok, notes, steps } = JSON.parse(stdout) as { ok: boolean; notes: string[]; steps: Step[] }
    expect(ok, stderr).to.equal(true)
    expect(steps.find(({ step }) => step === 'region')).to.have.property('finding', 'us-west-2 (AWS_DEFAULT_REGION)')
    for (const needed of ['AWS_REGION', 'NODE_EXTRA_CA_CERTS', 'redshift.host', 'ssl: true', 'connectionString'])
      expect(notes.join('\n')).to.include(needed)
    for (const note of notes) expect(stderr).to.include(note)
    const plain = await cli.run(['check', '--json', '--host', CLUSTER])
    expect(JSON.parse(plain.stdout).notes.join('\n')).not.to.match(/AWS_REGION|NODE_EXTRA_CA_CERTS/)
  })

  it('goes on without the name of the AWS identity where STS is out of reach', async () => {
    const { code, named } = await checkJson(['--host', CLUSTER], { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' })
    expect(code).to.equal(0)
    expect(named('credentials')).to.include({ status: 'passed', provider: 'environment variables', arn: null })
  })

  describe('fails at', () => {
    it('target: nothing is named', async () => {
      const { message } = await failure('target', [])
      expect(message).to.include('Give --host').and.include('--cluster-identifier or --workgroup-name, and --region')
    })

    it('target: host and flag contradict each other', async () => {
      const { message } = await failure('target', ['--host', CLUSTER, '--cluster-identifier', 'other'])
      expect(message).to.include('--cluster-identifier says').and.include('examplecluster')
    })

    it('region: none is known', async () => {
      const { message } = await failure('region', ['--cluster-identifier', 'examplecluster'])
      expect(message).to.match(/^No region is known for "examplecluster"\. Give --region, set AWS_REGION/)
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
      const { message } = await failure('credentials', ['--host', CLUSTER, '--profile', 'nope'])
      expect(message).to.include('There is no profile "nope"')
    })

    it('credentials: their session has expired', async () => {
      const result = await withFault(
        { kind: 'expired-token' },
        () => withFault({ kind: 'expired-token' }, () => failure('credentials', ['--host', CLUSTER])),
        { operation: 'GetCallerIdentity' },
      )
      expect(result.code).to.equal('ERR_REDSHIFT_AWS_CREDENTIALS')
      expect(result.message).to.include('AWS_SESSION_TOKEN')
    })

    it('api: the policy denies the call', async () => {
      const { message, code } = await withFault({ kind: 'access-denied' }, () => failure('api', ['--host', CLUSTER]))
      expect(code).to.equal('ERR_REDSHIFT_ACCESS_DENIED')
      expect(message).to.include('Allow redshift:GetClusterCredentialsWithIAM on arn:aws:redshift:us-west-2')
    })

    it('api, and still looks at the server', async () => {
      const { named } = await withFault({ kind: 'not-found' }, () => checkJson(['--host', CLUSTER]))
      expect(named('api')).to.include({ status: 'failed', code: 'ERR_REDSHIFT_NOT_FOUND' })
      expect(named('tls').status).to.equal('passed')
      expect(named('login').status).to.equal('skipped')
    })

    it('clock: it is more than five minutes off', async () => {
      const { message, code } = await withFault({ kind: 'clock-skew', seconds: 400 }, () =>
        failure('clock', ['--host', CLUSTER]),
      )
      expect(code).to.equal('CLOCK_SKEW')
      expect(message).to.match(/clock is (399|400|401) s behind AWS's.*Set the clock/)
    })

    it('network: the name has no address', async () => {
      const { message } = await failure(
        'network',
        ['--host', 'nowhere.invalid', '--cluster-identifier', 'examplecluster', '--region', 'us-west-2'],
        {
          PGHOSTADDR: undefined,
        },
      )
      expect(message).to.match(/^The host name "nowhere\.invalid" has no address \((ENOTFOUND|EAI_AGAIN)\)/)
    })

    it('network: nothing listens', async () => {
      const { message, code } = await failure('network', ['--host', CLUSTER, '--port', '1'])
      expect(code).to.equal('ECONNREFUSED')
      expect(message).to.include(`Nothing accepts connections at ${CLUSTER}:1 (127.0.0.1)`)
    })

    it('network: AWS may not be asked for the address', async () => {
      const { message, code } = await withFault(
        { kind: 'access-denied' },
        () => failure('network', ['--cluster-identifier', 'examplecluster', '--region', 'us-west-2']),
        { operation: 'DescribeClusters' },
      )
      expect(code).to.equal('ERR_REDSHIFT_ACCESS_DENIED')
      expect(message).to.include('redshift:DescribeClusters').and.include('give host')
    })

    it('tls: the certificate is not trusted', async () => {
      const { message, code } = await failure('tls', ['--host', CLUSTER], { NODE_EXTRA_CA_CERTS: undefined })
      expect(code).to.equal('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
      expect(message)
        .to.include('issued by "pg-redshift-iam emulator CA ')
        .and.include('PGSSLROOTCERT')
        .and.not.include('--ca-bundle')
    })

    it('tls: PGSSLROOTCERT holds other authorities', async () => {
      const PGSSLROOTCERT = `${cli.folder}/dist/cli/amazon-roots.pem`
      await failure('tls', ['--host', CLUSTER, '--ca-bundle', `${cli.folder}/ca.pem`], { PGSSLROOTCERT })
    })

    it('tls: PGSSLROOTCERT cannot be read', async () => {
      const { message } = await failure('tls', ['--host', CLUSTER], { PGSSLROOTCERT: 'no.pem' })
      expect(message).to.include('The certificates "no.pem" cannot be read (ENOENT)').and.include('PGSSLROOTCERT')
    })

    it('tls: the certificate is for another name', async () => {
      const { message, code } = await failure('tls', [
        '--host',
        'db.example.com',
        '--cluster-identifier',
        'examplecluster',
        '--region',
        'us-west-2',
      ])
      expect(code).to.equal('ERR_TLS_CERT_ALTNAME_INVALID')
      expect(message).to.include('not valid for "db.example.com"').and.include('PGHOSTADDR')
    })

    it('tls: it is turned off', async () => {
      const { message, code } = await failure('tls', ['--host', CLUSTER], { PGSSLMODE: 'disable' })
      expect(code).to.equal('ERR_REDSHIFT_TLS')
      expect(message).to.include('PGSSLMODE=disable')
    })

    it('login: the server refuses a new login', async () => {
      const { message, code } = await withFault({ kind: 'reject-login' }, () => failure('login', ['--host', CLUSTER]))
      expect(code).to.equal('ERR_REDSHIFT_LOGIN_REJECTED')
      expect(message).to.include('password authentication failed').and.include('database')
    })

    it('login: the database user does not exist', async () => {
      const fault: Fault = { kind: 'reject-login', sqlstate: '42704', message: 'user "IAM:alice" does not exist' }
      const { message, code } = await withFault(fault, () =>
        failure('login', ['--host', CLUSTER, '--db-user', 'alice']),
      )
      expect(code).to.equal('42704')
      expect(message).to.include('user "IAM:alice" does not exist').and.include('--auto-create')
    })

    it('login: PGOPTIONS sets a parameter that Redshift does not have', async () => {
      const { message, code } = await failure('login', ['--host', CLUSTER], { PGOPTIONS: '-c no_such_parameter=1' })
      expect(code).to.equal('42704')
      expect(message).to.include('take it out of PGOPTIONS').and.not.include('Create the database user')
    })

    it('session: the user may not ask', async () => {
      await emulator.query('REVOKE EXECUTE ON FUNCTION version() FROM PUBLIC', 'cli_locked')
      const { message, code } = await failure('session', ['--host', CLUSTER, '--db-name', 'cli_locked'])
      expect(code).to.equal('42501')
      expect(message).to.include('permission denied for function version').and.include('GRANT')
    })

    it('expiry: the login is about to end', async () => {
      const brief = await startEmulator({ lifetimeSeconds: 40 })
      try {
        const { message, code } = await failure('expiry', ['--host', CLUSTER], {
          AWS_ENDPOINT_URL_REDSHIFT: brief.endpoint,
          AWS_ENDPOINT_URL_STS: brief.endpoint,
          PGPORT: String(brief.address.port),
          NODE_EXTRA_CA_CERTS: cli.env.NODE_EXTRA_CA_CERTS,
        })
        expect(code).to.equal('SHORT_LIFETIME')
        expect(message).to.match(/ends in \d\d s\. Renew the AWS session/)
      } finally {
        await brief.close()
      }
    })
  })
})
