import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import type { Fault, RedshiftEmulator } from '../../lib/emulator/index.js'
import { type Cli, withCli } from '../support/cli.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'

describe('An error of the library, on a terminal,', function () {
  this.timeout(60_000)
  let emulator: RedshiftEmulator
  let cli: Cli
  withCli((built, started) => {
    cli = built
    emulator = started
  })

  for (const [fault, remedy] of [
    [{ kind: 'unsupported' }, 'Name a database user by --db-user, or leave --db-user out'],
    [{ kind: 'throttling' }, 'Try again in a minute'],
    [{ kind: 'internal-error' }, ' Try again later.\n'],
  ] as const satisfies readonly (readonly [Fault, string])[])
    it(`advises what can be done there: ${fault.kind}`, async () => {
      using _ = emulator.fail(fault)
      const { code, stderr } = await cli.run(['credentials', '--host', CLUSTER])
      expect(code).to.equal(13)
      expect(stderr).to.include(remedy)
      expect(stderr).not.to.match(/\bapi\b|RedshiftCredentials|by itself/)
    })

  it('names flags in place of options, also of those within redshift: { … }', async () => {
    const host = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'
    const { stderr } = await cli.run(['check', '--host', host, '--db-name', 'dev'], { PGUSER: 'IAM:alice' })
    expect(stderr)
      .to.include('Set --db-user "alice" to log in')
      .and.not.match(/\{|\bdbUser/)
  })

  it('names the endpoints where one that is configured is not a URL', async () => {
    for (const AWS_ENDPOINT_URL_REDSHIFT of ['nowhere hunter2', '//user:hunter2@x']) {
      const { code, stderr } = await cli.run(['credentials', '--host', CLUSTER], { AWS_ENDPOINT_URL_REDSHIFT })
      expect(code).to.equal(2)
      expect(stderr).to.include('Correct aws.endpoint, AWS_ENDPOINT_URL').and.not.include('hunter2')
    }
  })

  it('holds nothing that a terminal obeys, nor what check finds', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'pg-redshift-iam-wording-')), 'credentials')
    const name = 'red\u202e\u009b31mdev'
    writeFileSync(file, `[${name}]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n`)
    const env = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: name }
    const { stderr } = await cli.run(['check', '--host', CLUSTER, '--db-name', 'dev'], env)
    rmSync(dirname(file), { recursive: true })
    expect(stderr).to.include('profile "red31mdev", shared credentials file')
    const unknown = await cli.run(['check', '--host', CLUSTER, '--db-name', 'dev'], { AWS_PROFILE: name })
    expect(unknown.stderr).to.include('There is no profile')
    expect((stderr + unknown.stderr).replaceAll('\n', '')).to.not.match(/[\p{Cc}\u202e]/u)
  })

  it('says that a proxy is not gone through where AWS cannot be reached', async () => {
    const env = { AWS_ENDPOINT_URL_REDSHIFT: 'http://127.0.0.1:1', https_proxy: 'http://user:hunter2@proxy:3128' }
    const { code, stderr } = await cli.run(['credentials', '--host', CLUSTER], env)
    expect(code).to.equal(13)
    expect(stderr).to.include('https_proxy is set, but not read: AWS is called directly.').and.not.include('hunter2')
    const direct = await cli.run(['credentials', '--host', CLUSTER], { ...env, https_proxy: undefined })
    expect(direct.stderr).to.include('could not be reached').and.not.include('proxy is set')
  })
})
