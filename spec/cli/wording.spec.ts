import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import type { Fault } from '../../lib/emulator/types.js'
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
    expect(stderr + unknown.stderr).to.not.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
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
