import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { AwsDoors, roleSession } from '../support/aws-doors.js'
import { type Cli, ended, hasTerminals, printed, withCli } from '../support/cli.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const ESCAPE = '\u001b['

describe('The command line at a terminal', function () {
  this.timeout(60_000)
  let emulator: RedshiftEmulator
  let cli: Cli
  withCli((built, started) => {
    cli = built
    emulator = started
  })

  const COMMANDS = [[], ['check'], ['credentials'], ['exec'], ['emulate']]
  for (const command of COMMANDS)
    it(`has help of at most 24 lines of 80 columns, with examples: ${['pg-redshift-iam', ...command].join(' ')}`, async () => {
      const { code, stdout, stderr } = await cli.run([...command, '--help'])
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      const lines = stdout.trimEnd().split('\n')
      expect(lines).to.have.length.at.most(24)
      for (const line of lines) expect(line).to.have.length.at.most(80)
      expect(stdout)
        .to.match(/^Usage: pg-redshift-iam/)
        .and.match(/^Examples?\b/m)
    })

  it('names each flag of the AWS CLI in its help', async () => {
    const { stdout } = await cli.run(['credentials', '--help'])
    for (const flag of `cluster-identifier workgroup-name custom-domain-name db-user db-name db-groups duration-seconds region profile
      endpoint-url ca-bundle no-verify-ssl cli-connect-timeout cli-read-timeout debug query output cli-input-json cli-input-yaml
      generate-cli-skeleton color version host port no-paginate no-cli-pager cli-binary-format no-cli-auto-prompt`.split(
      /\s+/,
    ))
      expect(stdout).to.include(`--${flag}`)
    expect(stdout).to.include('--[no-]auto-create')
  })

  it('prints its version, and knows the nearest command', async () => {
    expect((await cli.run(['--version'])).stdout).to.match(/^pg-redshift-iam\/\d+\.\d+\.\d+\S* Node\//)
    const { code, stderr } = await cli.run(['credential'])
    expect(code).to.equal(2)
    expect(stderr).to.include('There is no command "credential". The nearest is credentials')
  })

  it('has no colours and no moving line where there is no terminal, unless told', async () => {
    const plain = await cli.run(['check', '--host', CLUSTER])
    expect(plain.stderr).to.include('✔ target').and.not.include(ESCAPE)
    const coloured = await cli.run(['check', '--host', CLUSTER, '--color', 'on'])
    expect(coloured.stderr).to.include(`${ESCAPE}32m✔`)
  })

  it('ends quietly where its reader goes away', async () => {
    const command = `"${process.execPath}" "${cli.main}" credentials --host ${CLUSTER} | true; echo "\${PIPESTATUS[0]}"`
    const child = spawn('bash', ['-c', command], { cwd: cli.folder, env: cli.env })
    expect(await ended(child)).to.include({ stdout: '0\n', stderr: '' })
  })

  it('does its work where the reader of what it tells goes away', async () => {
    const command = `"${process.execPath}" "${cli.main}" check --host ${CLUSTER} 2> >(true); echo $?`
    const child = spawn('bash', ['-c', command], { cwd: cli.folder, env: cli.env })
    expect(await ended(child)).to.include({ stdout: 'All steps passed.\n0\n', stderr: '' })
  })

  describe(`of its own${hasTerminals ? '' : ' (skipped: script, of util-linux, is not installed)'}`, () => {
    before(function () {
      if (!hasTerminals) this.skip()
    })

    const onTerminal = async (parameters: string, env: Record<string, string> = {}): Promise<string> => {
      const child = cli.startOnTerminal(parameters, env)
      child.stdin?.end()
      return (await ended(child)).stdout
    }

    it('has colours, which NO_COLOR turns off', async () => {
      expect(await onTerminal(`check --host ${CLUSTER}`)).to.include(`${ESCAPE}32m✔`)
      expect(await onTerminal(`check --host ${CLUSTER}`, { NO_COLOR: '1' })).not.to.include(`${ESCAPE}32m`)
    })

    it('shows that it waits, and clears the line before it prints', async () => {
      using _ = emulator.fail({ kind: 'latency', millis: 1_000 })
      const printed = await onTerminal(`credentials --host ${CLUSTER} --query DbUser`)
      expect(printed).to.include('GetClusterCredentialsWithIAM for examplecluster … 0 s')
      expect(printed.trimEnd().endsWith(`\r${ESCAPE}K"IAMR:analyst"`)).to.equal(true)
    })

    describe('for a profile with mfa_serial,', () => {
      const DEVICE = 'arn:aws:iam::123456789012:mfa/alice'
      let doors: AwsDoors
      let env: Record<string, string>
      before(async () => {
        doors = await AwsDoors.open()
        const { accessKeyId, secretAccessKey } = emulator.aws.credentials
        const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}`
        const role = `role_arn = arn:aws:iam::123456789012:role/reader\nmfa_serial = ${DEVICE}\nsource_profile = base`
        writeFileSync(`${cli.folder}/mfa-config`, `[profile reader]\n${role}\n[profile base]\n${keys}\n`)
        env = {
          AWS_CONFIG_FILE: `${cli.folder}/mfa-config`,
          AWS_PROFILE: 'reader',
          AWS_ENDPOINT_URL_STS: doors.url('sts', roleSession(emulator.aws.credentials)),
        }
      })
      after(() => doors.close())

      for (const [command, said] of [
        ['credentials --query DbUser', 'IAMR:analyst'],
        ['check', 'All steps passed.'],
        ['exec -- printenv PGUSER', 'IAMR:analyst'],
      ] as const)
        it(`asks for the code once, and does not show it: ${command}`, async () => {
          const [name, ...others] = command.split(' ')
          const child = cli.startOnTerminal([name, '--host', CLUSTER, ...others].join(' '), env)
          await printed(child, `Enter MFA code for ${DEVICE}: `)
          child.stdin?.write('12346\u007f56\r')
          const { code, stdout } = await ended(child)
          expect(stdout).to.include(said).and.not.include('123456').and.not.include('Enter MFA code')
          expect(code).to.equal(0)
          expect(doors.bodies.filter(body => body.includes('TokenCode=123456'))).to.have.length(1)
          doors.bodies.splice(0)
        })
    })
  })
})
