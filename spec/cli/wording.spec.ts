import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { SET_API, SHARE_LOGINS } from '../../lib/aws/failures.js'
import { REMEDIES } from '../../lib/cli/terminal/wording.js'
import { CLUSTER, sectionOf, useCli } from '../support/cli.js'

const WORKGROUP = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'

describe('An error of the library, printed by the command line,', () => {
  const cli = useCli()

  for (const [kind, remedy] of [
    ['unsupported', SET_API],
    ['throttling', SHARE_LOGINS],
    ['internal-error', undefined],
  ] as const)
    it(`gives a remedy for a terminal, not for a program: ${kind}`, async () => {
      using _ = cli.emulator.fail({ kind })
      const { code, stderr } = await cli.run(['credentials', '--host', CLUSTER])
      expect(code).to.equal(13)
      expect(stderr).not.to.match(/\bapi\b|RedshiftCredentials/)
      if (remedy !== undefined) expect(stderr).to.include(REMEDIES.get(remedy)).and.not.include(remedy)
    })

  for (const [parameters, flags] of [
    [
      ['--host', 'jdbc:redshift:iam://x:us-west-2/dev'],
      ['--host', '--port', '--db-name', '--cluster-identifier'],
    ],
    [['--host', ` ${CLUSTER}`], ['--host']],
    [
      ['--host', CLUSTER, '--region', 'eu-west-1'],
      ['--host', '--region'],
    ],
    [
      ['--host', CLUSTER, '--workgroup-name', 'analytics'],
      ['--host', '--workgroup-name'],
    ],
    [['--host', CLUSTER, '--port', '70000'], ['--port']],
    [['--host', CLUSTER, '--region', 'no region'], ['--region']],
    [['--host', CLUSTER, '--db-name', 'a/b', '--db-user', 'alice'], ['--db-name']],
    [
      ['--host', CLUSTER, '--db-groups', 'readers'],
      ['--db-groups', '--db-user'],
    ],
    [['--custom-domain-name', 'db.example.com', '--region', 'us-west-2', '--db-groups', 'a'], ['--db-user']],
    [['--identity-center', '--host', CLUSTER, '--duration-seconds', '900'], ['--duration-seconds']],
    [['--identity-center', '--custom-domain-name', 'db.example.com'], ['--custom-domain-name']],
  ] as const)
    it(`names flags instead of options: ${parameters.join(' ')}`, async () => {
      const env = { PGPORT: undefined }
      const { code, stdout } = await cli.run(['check', '--json', '--db-name', 'dev', ...parameters], env)
      const { message } = JSON.parse(stdout).steps.find(({ status }: { status: string }) => status === 'failed')
      expect(code).to.equal(10)
      for (const flag of flags) expect(message).to.include(flag)
      expect(message).not.to.match(
        /\{|\b[a-z]+[A-Z]\w*|\bapi\b|\(option\)|\b([Ss]et|[Ll]eave) (host|port|region|database|user)\b/,
      )
    })

  for (const [parameters, env, named] of [
    [['--host', CLUSTER], { PGPORT: 'abc' }, ['PGPORT', '"abc"']],
    [['--host', CLUSTER], { PGPORT: '70000' }, ['PGPORT', '70000']],
    [['--host', CLUSTER, '--db-user', 'alice'], { PGDATABASE: 'my/db' }, ['PGDATABASE', '"my/db"']],
    [['--cluster-identifier', 'other'], { PGHOST: CLUSTER }, ['PGHOST', '--cluster-identifier']],
    [['--region', 'eu-west-1'], { PGHOST: CLUSTER }, ['PGHOST', '--region']],
    [['--cluster-identifier', 'examplecluster'], { PGHOST: '/var/run/postgresql' }, ['PGHOST', '--host']],
    [['--cluster-identifier', 'examplecluster'], { PGHOST: '@socket' }, ['PGHOST', '--host']],
    [[], { PGHOST: 'jdbc:redshift:iam://x:us-west-2/dev' }, ['PGHOST', 'PGPORT', 'PGDATABASE']],
  ] as const)
    it(`names variables that are set instead of flags: ${JSON.stringify(env)}`, async () => {
      const message = await cli.run(['exec', ...parameters, '--', 'echo', 'ran'], env)
      expect(message.stdout).to.equal('')
      expect(message.stderr).to.match(/^More: /m)
      for (const name of named) expect(message.stderr).to.include(name)
      const flags = ['--host', '--port', '--db-name'].filter(flag => !(named as readonly string[]).includes(flag))
      for (const flag of flags) expect(message.stderr.replaceAll(CLUSTER, '')).not.to.include(flag)
    })

  it('does not advise a login for every database if the login is for a connection', async () => {
    const { stderr } = await cli.run(['check', '--host', CLUSTER, '--db-user', 'alice', '--db-name', 'my/db'])
    const printed = await cli.run(['credentials', '--host', CLUSTER, '--db-user', 'alice', '--db-name', 'my/db'])
    expect(stderr).to.include('--db-name').and.not.include('leave --db-name out')
    expect(printed.stderr).to.include('leave --db-name out')
  })

  it('names flags instead of options in redshift: { … }', async () => {
    const { stderr } = await cli.run(['check', '--host', WORKGROUP], { PGUSER: 'IAM:alice' })
    expect(stderr).to.include('ERR_REDSHIFT_USER_MISMATCH').and.include('--db-user "alice"')
    expect(stderr).to.include('PGUSER is "IAM:alice"').and.include('unset PGUSER').and.not.include('--db-name')
  })

  for (const endpoint of ['nowhere hunter2', '//user:hunter2@x'])
    it(`names the settings if an endpoint is not a URL, without its content: ${endpoint}`, async () => {
      const end = await cli.run(['credentials', '--host', CLUSTER], { AWS_ENDPOINT_URL_REDSHIFT: endpoint })
      expect(end.code).to.equal(2)
      expect(end.stderr).to.include('--endpoint-url').and.include('AWS_ENDPOINT_URL').and.not.include('hunter2')
    })

  it('contains no control characters', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'pg-redshift-iam-wording-')), 'credentials')
    const name = 'red\u202e\u009b31mdev'
    writeFileSync(file, `[${name}]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n`)
    const env = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: name }
    const found = await cli.run(['check', '--host', CLUSTER], env)
    rmSync(dirname(file), { recursive: true })
    const missing = await cli.run(['check', '--host', CLUSTER], { AWS_PROFILE: name })
    expect(missing.code).to.equal(12)
    expect(found.stderr).to.include('"red31mdev"')
    for (const { stderr } of [found, missing]) expect(stderr.replaceAll('\n', '')).not.to.match(/[\p{Cc}\u202e]/u)
  })

  it('names the proxy that is not used if AWS cannot be reached', async () => {
    const env = { AWS_ENDPOINT_URL_REDSHIFT: 'http://127.0.0.1:1', https_proxy: 'http://user:hunter2@proxy:3128' }
    const proxied = await cli.run(['credentials', '--host', CLUSTER], env)
    const direct = await cli.run(['credentials', '--host', CLUSTER], { ...env, https_proxy: undefined })
    for (const end of [proxied, direct]) {
      expect(end.code).to.equal(13)
      expect(sectionOf(end)).to.equal('err_redshift_unavailable')
    }
    expect(proxied.stderr).to.include('https_proxy').and.not.include('hunter2')
    expect(direct.stderr).not.to.include('https_proxy')
  })
})
