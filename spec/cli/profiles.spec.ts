import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Cli, withCli } from '../support/cli.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
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

describe('The command line, of a profile for AWS,', function () {
  this.timeout(60_000)
  let cli: Cli
  withCli(built => {
    cli = built
    writeFileSync(join(cli.folder, 'aws-config'), PROFILES)
  })

  it('ends when it has told that its process hangs', async () => {
    const { code, stderr } = await cli.run(['check', '--host', CLUSTER, '--profile', 'hanging'])
    expect(code).to.equal(12)
    expect(stderr).to.include('ERR_REDSHIFT_TIMEOUT').and.include('credential_process of profile "hanging"')
  })

  for (const [profile, reason] of [
    ['failing', 'credential_process of profile "failing"'],
    ['missing', 'credential_process of profile "missing"'],
    ['expired', 'credential_process of profile "expired"'],
    ['broken', 'credential_process of profile "broken"'],
    ['indirect', 'credential_process of profile "failing"'],
    ['loop', 'loop-back → loop → loop-back'],
    ['orphan', '"nobody"'],
    ['rootless', 'Profile "rootless"'],
    ['sourced', '"EcsContainer" of profile "sourced"'],
    ['key-only', 'aws_secret_access_key'],
    ['secret-only', 'aws_access_key_id'],
    ['empty', 'Profile "empty"'],
  ] as const)
    it(`says what is wrong where it gives no credentials: ${profile}`, async () => {
      const { code, stderr } = await cli.run(['credentials', '--host', CLUSTER, '--profile', profile], WITHOUT_KEYS)
      expect(code).to.equal(12)
      expect(stderr).to.include(reason).and.include('#err_redshift_aws_credentials').and.not.include('hunter2')
    })

  it('says which was taken where a profile and keys are both in the environment', async () => {
    writeFileSync(join(cli.folder, 'aws-credentials'), '[keys]\naws_access_key_id = a\naws_secret_access_key = b\n')
    const both = 'AWS_PROFILE is taken, AWS_ACCESS_KEY_ID ignored (the AWS CLI does the reverse)'
    const { stderr } = await cli.run(['check', '--host', CLUSTER], { AWS_PROFILE: 'keys' })
    expect(stderr).to.include('profile "keys", shared credentials file; identity').and.include(both)
    const flag = await cli.run(['check', '--host', CLUSTER, '--profile', 'keys'], { AWS_PROFILE: 'keys' })
    expect(flag.stderr).to.include('profile "keys", shared credentials file; identity').and.not.include(both)
  })
})
