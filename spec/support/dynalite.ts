import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { CreateTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { freePort, waitForPort } from './ports.js'

export const TABLE = 'redshift-logins'

/** A client of the table at this address, as a user would make it. */
export const dynamoDbClient = (url: string, options: DynamoDBClientConfig = {}): DynamoDBClient =>
  new DynamoDBClient({
    endpoint: url,
    region: 'us-west-2',
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'made-up' },
    ...options,
  })

/** dynalite, a local DynamoDB, in its own process and in memory. */
export class DynaliteServer {
  readonly port: number
  #process: ChildProcess | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async start(): Promise<DynaliteServer> {
    const server = new DynaliteServer(await freePort())
    process.once('exit', () => server.#process?.kill('SIGKILL'))
    await server.restart()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Starts it, with an empty table, on the same port. */
  async restart(): Promise<void> {
    const program = createRequire(import.meta.url).resolve('dynalite/cli.js')
    const child = spawn(process.execPath, [program, '--port', String(this.port), '--createTableMs', '0'], {
      stdio: 'ignore',
    })
    this.#process = child
    await waitForPort(this.port, child)
    const client = dynamoDbClient(this.url)
    await client.send(
      new CreateTableCommand({
        TableName: TABLE,
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    client.destroy()
  }

  /** Kills it, like a crash. */
  async kill(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Stops it, like a machine that hangs. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }
}
