/**
 * Writes down the public API as it is built: a report of its types (`api/`), in which a change shows in review, and the reference
 * for people (`docs/api/`). The build checks that what is committed is what comes out.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

const root = fileURLToPath(new URL('..', import.meta.url))
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.entries<{ types?: string }>(exports).flatMap(([path, { types }]) =>
  types ? [{ name: path === '.' ? 'index' : path.slice(2), types }] : [],
)

mkdirSync(join(root, 'api'), { recursive: true })
for (const { name, types } of entries) {
  const { succeeded } = Extractor.invoke(
    ExtractorConfig.prepare({
      packageJsonFullPath: join(root, 'package.json'),
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: root,
        mainEntryPointFilePath: join(root, types),
        compiler: { tsconfigFilePath: join(root, 'tsconfig.build.json') },
        newlineKind: 'lf',
        apiReport: {
          enabled: true,
          reportFolder: join(root, 'api'),
          reportTempFolder: join(root, '.cache/api'),
          reportFileName: `${name}.api.md`,
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        messages: {
          // What the index does not export, a user cannot name.
          extractorMessageReporting: {
            default: { logLevel: 'none' as never },
            'ae-forgotten-export': { logLevel: 'error' as never },
          },
          tsdocMessageReporting: { default: { logLevel: 'none' as never } },
        },
      },
    }),
    {
      localBuild: true,
      messageCallback: message => {
        if (message.logLevel === 'verbose' || message.logLevel === 'info') message.handled = true
      },
    },
  )
  if (!succeeded) process.exitCode = 1
}
execFileSync(process.execPath, [join(root, 'node_modules/typedoc/bin/typedoc')], { cwd: root, stdio: 'inherit' })
