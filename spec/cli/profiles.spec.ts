import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { CLUSTER, sectionOf, useCli } from '../support/cli.js'

const WITHOUT_KEYS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined }
const ROLE = 'role_arn = arn:aws:iam::123456789012:role/reader'

const PROFILES = `
[profile hanging]
credential_process = sleep 100
[profile failing]
credential_process = sh -c "exit 3" hunter2
[profile missing]
credential_process = /no/such/program
[profile expired]
credential_process = echo '{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"2020-01-01T00:00:00Z"}'
[profile broken]
credential_process = echo '{"Version":'
[profile indirect]
${ROLE}
source_profile = failing
[profile loop]
${ROLE}
source_profile = loop-back
[profile loop-back]
${ROLE}
source_profile = loop
[profile orphan]
${ROLE}
source_profile = nobody
[profile rootless]
${ROLE}
[profile sourced]
${ROLE}
credential_source = EcsContainer
[profile key-only]
aws_access_key_id = AKIAIOSFODNN7EXAMPLE
[profile secret-only]
aws_secret_access_key = hunter2
[profile empty]
region = us-west-2
`

describe('The command line with an AWS profile', () => {
  const cli = useCli()
  before(() => writeFileSync(join(cli.folder, 'aws-config'), PROFILES))

  it('reports a credential_process that hangs, and ends', async () => {
    const { code, stderr } = await cli.run(['check', '--host', CLUSTER, '--profile', 'hanging'])
    expect(code).to.equal(12)
    expect(stderr).to.include('ERR_REDSHIFT_TIMEOUT').and.include('credential_process').and.include('"hanging"')
  })

  for (const [profile, ...named] of [
    ['failing', 'credential_process', '"failing"'],
    ['missing', 'credential_process', '"missing"'],
    ['expired', 'credential_process', '"expired"'],
    ['broken', 'credential_process', '"broken"'],
    ['indirect', 'credential_process', '"failing"'],
    ['loop', 'loop-back → loop → loop-back'],
    ['orphan', '"nobody"'],
    ['rootless', '"rootless"'],
    ['sourced', '"EcsContainer"', '"sourced"'],
    ['key-only', 'aws_secret_access_key'],
    ['secret-only', 'aws_access_key_id'],
    ['empty', '"empty"'],
  ] as const)
    it(`names the setting to correct if the profile gives no credentials: ${profile}`, async () => {
      const end = await cli.run(['credentials', '--host', CLUSTER, '--profile', profile], WITHOUT_KEYS)
      expect(end.code).to.equal(12)
      expect(sectionOf(end)).to.equal('err_redshift_aws_credentials')
      for (const name of named) expect(end.stderr).to.include(name)
      expect(end.stderr).not.to.include('hunter2')
    })

  it('uses AWS_DEFAULT_PROFILE, but not if keys are in the environment, as the AWS CLI', async () => {
    const origin = async (env: Readonly<Record<string, string | undefined>>) => {
      const { stdout } = await cli.run(['check', '--json', '--host', CLUSTER], {
        AWS_DEFAULT_PROFILE: 'default-keys',
        ...env,
      })
      return JSON.parse(stdout).steps.find(({ step }: { step: string }) => step === 'credentials')
    }
    writeFileSync(
      join(cli.folder, 'aws-credentials'),
      '[default-keys]\naws_access_key_id = a\naws_secret_access_key = b\n',
    )
    expect((await origin(WITHOUT_KEYS)).provider).to.include('"default-keys"')
    const byKeys = await origin({})
    expect(byKeys.provider).not.to.include('default-keys')
    expect(byKeys.arn).to.equal('arn:aws:sts::123456789012:assumed-role/analyst/session')
  })

  it('refuses an empty name of a profile', async () => {
    const message = await cli.refusal(['credentials', '--host', CLUSTER, '--profile', ''])
    expect(message).to.include('--profile')
  })

  it('names the one that is used if both a profile and keys are in the environment', async () => {
    writeFileSync(join(cli.folder, 'aws-credentials'), '[keys]\naws_access_key_id = a\naws_secret_access_key = b\n')
    const finding = async (...flags: string[]) => {
      const { stdout } = await cli.run(['check', '--json', '--host', CLUSTER, ...flags], { AWS_PROFILE: 'keys' })
      return JSON.parse(stdout).steps.find(({ step }: { step: string }) => step === 'credentials')
    }
    const byVariable = await finding()
    expect(byVariable.provider).to.equal('profile "keys", shared credentials file')
    expect(byVariable.finding).to.include('AWS_PROFILE').and.include('AWS_ACCESS_KEY_ID')
    const byFlag = await finding('--profile', 'keys')
    expect(byFlag.provider).to.equal('profile "keys", shared credentials file')
    expect(byFlag.finding).not.to.include('AWS_ACCESS_KEY_ID')
  })
})
