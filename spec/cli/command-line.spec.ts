import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Cli, withCli } from '../support/cli.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const USER = ['--query', 'DbUser', '--output', 'text']

describe('A command line', function () {
  this.timeout(60_000)
  let cli: Cli
  withCli(built => {
    cli = built
  })

  const print = async (...parameters: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli.run(parameters)
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    return stdout
  }

  const refusal = async (...parameters: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli.run(parameters)
    expect({ code, stdout }, stderr).to.deep.equal({ code: 2, stdout: '' })
    return stderr
  }

  it('may cut flags short, as with the AWS CLI', async () => {
    const flags = ['--cluster-id', 'examplecluster', '--reg=us-west-2', '--db-u', 'alice', '--quer', 'DbUser', '--out']
    expect(await print('credentials', ...flags, 'text')).to.equal('IAM:alice\n')
  })

  it('has only those flags cut short that are flags, and its own', async () => {
    expect(await refusal('credentials', '--host', CLUSTER, '--db-user', '--out')).to.include('--db-user "--out" is')
    const script = 'console.log(process.argv.slice(1).join())'
    const command = [process.execPath, '-e', script, '--', '--reg', '--db-u']
    expect(await print('exec', '--ho', CLUSTER, '--', ...command)).to.equal('--reg,--db-u\n')
    expect(await print('exec', '--ho', CLUSTER, ...command)).to.equal('--reg,--db-u\n')
  })

  it('says which flags one may be that is cut too short', async () => {
    expect(await refusal('credentials', '--db', 'x')).to.include(
      'The flag --db may be --db-user or --db-name or --db-groups. Write more of it.',
    )
  })

  it('may have flags before the command', async () => {
    expect(await print('--region', 'us-west-2', 'credentials', '--host', CLUSTER, ...USER)).to.equal('IAMR:analyst\n')
    expect(await print('--db-name', 'exec', '--host', CLUSTER, 'exec', '--', 'echo', 'ran')).to.equal('ran\n')
    const { stderr } = await cli.run(['--debug', 'credentials', '--host', CLUSTER])
    expect(stderr).to.include('debug: fetch-start')
  })

  it('that names no command, or none that there is, says so, whatever its flags', async () => {
    expect(await refusal('--region', 'us-west-2')).to.include(
      'No command is named. The commands are check, credentials',
    )
    expect(await refusal('--region', 'x', 'credental', '--host', CLUSTER)).to.include('The nearest is credentials')
  })

  it('that gives a list twice means the last one', async () => {
    const groups = ['--db-groups', 'a', 'b', '--db-user', 'alice', '--db-groups', 'c']
    expect(await print('credentials', '--host', CLUSTER, ...groups, ...USER)).to.equal('IAMA:alice:c\n')
  })

  it('may name files for its values, in the home folder too', async () => {
    writeFileSync(join(cli.folder, 'user.txt'), 'alice\n')
    for (const user of ['file://user.txt', 'file://~/user.txt', 'fileb://user.txt'])
      expect(await print('credentials', '--host', CLUSTER, '--db-user', user, ...USER)).to.equal('IAM:alice\n')
    expect(await refusal('credentials', '--db-user', 'file://~/no.txt')).to.include(`The file "${cli.folder}/no.txt"`)
  })

  it('takes a number with its sign, and time-outs of any length', async () => {
    const flags = ['--duration-seconds', '+900', '--cli-connect-timeout', '99999999', '--cli-read-timeout', '99999999']
    expect(await print('credentials', '--host', CLUSTER, ...flags, ...USER)).to.equal('IAMR:analyst\n')
  })

  it('takes an empty AWS_CA_BUNDLE for none', async () => {
    const { code, stderr } = await cli.run(['credentials', '--host', CLUSTER], { AWS_CA_BUNDLE: '' })
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
  })

  it('is refused with the name of its own command', async () => {
    expect(await refusal('credentials', '--profile', 'check', '--quer-y', 'x')).to.include('see credentials --help')
  })

  it('shows where an error comes from with its own --debug, and not with that of the command which it runs', async () => {
    const broken = ['exec', '--host', CLUSTER, '--db-name', 'no/name']
    expect((await cli.run([...broken, '--', 'psql', '--debug'])).stderr).not.to.match(/^\s+at /m)
    expect((await cli.run([...broken, '--debug', '--', 'psql'])).stderr).to.match(/^\s+at /m)
  })

  it('that asks for help gets it', async () => {
    expect(await print('help')).to.equal(await print('--help'))
    expect(await print('help', 'check')).to.equal(await print('check', '--help'))
  })
})
