import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { root } from './orm-table.js'

/** Generates the client of examples/prisma.ts. Nothing is downloaded: the schema engine, which is for migrations, is a stub. */
export const generatePrismaClient = (): Promise<unknown> =>
  promisify(execFile)(
    process.execPath,
    ['node_modules/prisma/build/index.js', 'generate', '--schema', 'examples/prisma/schema.prisma'],
    {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        CHECKPOINT_DISABLE: '1',
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      },
    },
  )
