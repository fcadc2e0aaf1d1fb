package app.seldinger.core

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/*
 * Long work to its end. Cancelling the coroutine stops it before the next step, and what was not
 * finished is undone. Jobs have a connection of their own, so other calls go on beside them.
 */

/** Imports to the end; [watch] hears how far it is. */
suspend fun ImportJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (Progress) -> Unit = {},
): ImportReport = use { toTheEnd(background, ::step, ::take, watch) }

/** Exports to the end; [watch] hears how far it is. */
suspend fun ExportJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (Progress) -> Unit = {},
): ExportReport = use { toTheEnd(background, ::step, ::take, watch) }

/** Looks for identifiers to the end; [watch] hears how far it is. */
suspend fun IdentifierJob.finish(
    background: CoroutineDispatcher = Dispatchers.IO,
    watch: (Progress) -> Unit = {},
): IdentifierReport = use { toTheEnd(background, ::step, ::take, watch) }

private suspend fun <T : Any> toTheEnd(
    background: CoroutineDispatcher,
    step: () -> Progress,
    take: () -> T?,
    watch: (Progress) -> Unit,
): T = withContext(background) {
    do {
        ensureActive()
        val progress = step()
        watch(progress)
    } while (!progress.finished)
    take() ?: throw LogbookException.Cancelled()
}
