package app.seldinger.core

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/*
 * Long work to its end. Cancelling the coroutine stops it before the next step. What an import or a
 * bundle had written by then stays, and doing it again adds the rest; all other work leaves nothing
 * behind. Jobs have a connection of their own, so other calls go on beside them.
 */

/** Imports to the end; [watch] hears how far it is. */
suspend fun ImportJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): ImportReport = use { toTheEnd(background, ::step, ::take, watch) }

/** Exports to the end; [watch] hears how far it is. */
suspend fun ExportJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): ExportReport = use { toTheEnd(background, ::step, ::take, watch) }

/** Looks for identifiers to the end; [watch] hears how far it is. */
suspend fun IdentifierJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): IdentifierReport = use { toTheEnd(background, ::step, ::take, watch) }

/** Backs up, to the end; [watch] hears how far it is. */
suspend fun BackupJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): BackupReport = use { toTheEnd(background, ::step, ::take, watch) }

/** Restores, to the end; [watch] hears how far it is. */
suspend fun RestoreJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): RestoreReport = use { toTheEnd(background, ::step, ::take, watch) }

/** Counts to the end; [watch] hears how far it is. */
suspend fun TallyJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): Tally = use { toTheEnd(background, ::step, ::take, watch) }

/** Verifies, to the end; [watch] hears how far it is. */
suspend fun VerifyJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): VerifyReport = use { toTheEnd(background, ::step, ::take, watch) }

/** Changes the key, to the end; [watch] hears how far it is. */
suspend fun KeyChangeJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): KeyChange = use { toTheEnd(background, ::step, ::take, watch) }

/** Writes a bundle to the end; [watch] hears how far it is. */
suspend fun MakeBundleJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): MadeBundle = use { toTheEnd(background, ::step, ::take, watch) }

/** Takes a bundle in, to the end; [watch] hears how far it is. */
suspend fun TakeBundleJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (JobProgress) -> Unit = {},
): TakenBundle = use { toTheEnd(background, ::step, ::take, watch) }

private suspend fun <T : Any> toTheEnd(
    background: CoroutineDispatcher,
    step: () -> JobProgress,
    take: () -> T?,
    watch: (JobProgress) -> Unit,
): T = withContext(background) {
    do {
        ensureActive()
        val progress = step()
        watch(progress)
    } while (!progress.finished)
    take() ?: throw LogbookException.Cancelled()
}
