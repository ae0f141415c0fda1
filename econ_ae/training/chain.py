"""The chain that is trained: encoder, link, decoder, loss, and a teacher if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from econ_ae.training.link import Link
from econ_ae.training.transport_losses import Loss, normalised


@dataclass(frozen=True)
class Chain:
    """Encoder, link and decoder, and what is minimised.

    Parameters
    ----------
    encoder, decoder : Keras models
    link : what happens to the latents between them
    use_sum : whether the decoder also gets the module sum
    loss : function of (true, predicted) fractions
    teacher : a trained chain; the loss is then ``(1 - share)`` times that of the true fractions and ``share`` times
        that of the teacher's output
    share : of the teacher
    """

    encoder: Any
    decoder: Any
    link: Link
    use_sum: bool
    loss: Loss
    teacher: Chain | None = None
    share: float = 0.0

    @property
    def variables(self) -> list[Any]:
        """All trainable variables."""
        return [*self.encoder.trainable_variables, *self.decoder.trainable_variables]

    def predict(self, images: Any, sums: Any, *, training: bool) -> Any:
        """Return the decoder's output for a batch."""
        sent = self.link(self.encoder(images, training=training))
        received = tf.concat([sent, sums], axis=1) if self.use_sum else sent
        return self.decoder(received, training=training)

    def loss_of(self, images: Any, sums: Any, fractions: Any, *, training: bool) -> Any:
        """Return the loss of a batch; the teacher counts in training alone, so that validation losses compare."""
        predicted = self.predict(images, sums, training=training)
        loss = self.loss(fractions, predicted)
        if self.teacher is None or not training:
            return loss
        taught = tf.stop_gradient(normalised(self.teacher.predict(images, sums, training=False)))
        return (1 - self.share) * loss + self.share * self.loss(taught, predicted)
