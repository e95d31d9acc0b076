### Các trang dành cho trẻ em.

exit = Thoát nhanh
exit-note = Nút Thoát nhanh, hoặc nhấn phím Shift ba lần, đưa bạn sang một trang khác. Nút này không xóa lịch sử duyệt web.
foot-help = Cần ai đó giúp?
foot-call = Gọi 111, miễn phí, cả ngày lẫn đêm
foot-who = Ai thấy được gì?
foot-more-help = Thêm nơi giúp đỡ
to-portal = Về trang nhà

## Khi có trục trặc

error-404 = Không có trang này
error-404-more = Có thể đường dẫn gõ thiếu một chữ.
error-405 = Không làm được như vậy ở đây
error-405-more = Hãy quay lại và thử từ đầu.
error-429 = Chờ một chút nhé
error-429-more = Vừa có nhiều lần bấm liên tiếp. Vài phút nữa hãy thử lại.
error-500 = Có trục trặc
error-500-more = Đây là lỗi của chương trình, không phải của bạn. Lát nữa hãy thử lại.

## Khi một trang không mở được

sealed = Không mở được trang này
blocked-title = { $tone ->
    [con] Trang này chưa dành cho con
    [em] Trang này chưa dành cho em
   *[ban] Trang này đang được khóa
}
blocked-ask = { $tone ->
    [con] Con hỏi người lớn trước nhé
    [em] Trang này cần hỏi trước
   *[ban] Trang này cần hỏi trước
}
blocked-later = { $tone ->
    [con] Bây giờ chưa đến giờ con nhé
    [em] Bây giờ chưa đến giờ dùng
   *[ban] Bây giờ chưa đến giờ dùng
}
blocked-no-blame-young = Con không làm gì sai.
blocked-no-blame = { $tone ->
    [con] Con không làm gì sai. Trang này chỉ là chưa hợp với tuổi của con hoặc với giờ này.
    [em] Em không làm gì sai. Đây là quy tắc của gia đình cho lứa tuổi của em.
   *[ban] Đây là quy tắc của gia đình, không phải lỗi của bạn. Vì sao và ai đổi được, bạn xem ở dưới.
}
blocked-until = Đến { $until } thì hết.

ask-young = Hỏi người lớn
learn-young = Xem trang hay
call-young = Có ai làm con sợ? Gọi 111
for-adults = Dành cho người lớn

ask-title = { $tone ->
    [con] Hỏi người lớn trong nhà
    [em] Hỏi người lớn trong nhà
   *[ban] Hỏi người chăm sóc
}
ask-note = { $tone ->
    [con] Con muốn nói gì? (không viết cũng được)
    [em] Em muốn nói gì thêm? (không bắt buộc)
   *[ban] Bạn muốn nói gì thêm? (không bắt buộc)
}
ask-seen-name = { $tone ->
    [con] Người lớn trong nhà sẽ thấy tên trang này và điều con viết.
    [em] Chỉ khi em hỏi, người lớn trong nhà mới thấy tên trang này và điều em viết.
   *[ban] Chỉ khi bạn hỏi, người chăm sóc mới thấy tên trang này và điều bạn viết.
}
ask-seen-group = Người chăm sóc chỉ thấy nhóm nội dung và điều bạn viết, không thấy tên trang.
ask-send = Gửi câu hỏi

why-title = Vì sao?
fact-reason = Lý do
fact-group = Nhóm
fact-criterion = Tiêu chí
fact-age = Lứa tuổi
fact-time = Giờ giấc
fact-appeal = Mã khiếu nại
fact-appeal-why = Ai thấy danh sách chung ghi sai thì gửi mã này cho nơi lập danh sách.
fact-change = Ai đổi được?

wrong-title = Khóa nhầm chăng?
wrong-note = Trang này thật ra là gì? (không bắt buộc)
wrong-send = Báo khóa nhầm

learn-title = Những trang hay khác

## Giúp đỡ

call-111 = Gọi 111
call-115 = Gọi cấp cứu 115
call-156 = Báo lừa đảo: 156
take-it-down = Xóa ảnh khỏi mạng
check-site = Xem trang có đáng tin không
panel-helpline = { $tone ->
    [con] Có ai làm con sợ hay buồn không?
    [em] Có ai làm em sợ hay khó chịu không?
   *[ban] Có ai làm bạn sợ hay khó chịu không?
}
panel-helpline-more = { $tone ->
    [con] Con không có lỗi. Con kể với một người lớn mà con tin, hoặc gọi 111. Gọi không mất tiền, lúc nào cũng có người nghe.
    [em] Em không có lỗi. Em có thể kể với một người lớn mà em tin, hoặc gọi 111: miễn phí, cả ngày lẫn đêm.
   *[ban] Bạn không có lỗi. Bạn có thể kể với người mình tin, hoặc gọi 111: miễn phí, cả ngày lẫn đêm.
}
panel-image = { $tone ->
    [con] Có ai bắt con gửi ảnh không?
    [em] Có ai ép em gửi ảnh, hay dọa đăng ảnh của em?
   *[ban] Có ai ép bạn gửi ảnh, đòi tiền hay dọa phát tán?
}
panel-image-more = { $tone ->
    [con] Con không có lỗi. Con đừng gửi thêm. Con kể với một người lớn mà con tin, hoặc gọi 111, không mất tiền.
    [em] Em không có lỗi. Đừng gửi thêm, đừng trả tiền, giữ lại tin nhắn. Hãy kể với người em tin, hoặc gọi 111: miễn phí, cả ngày lẫn đêm.
   *[ban] Bạn không có lỗi. Đừng trả tiền, đừng gửi thêm, giữ lại tin nhắn. Gọi 111: miễn phí, cả ngày lẫn đêm. Ảnh đã bị đăng vẫn có thể nhờ gỡ xuống.
}
panel-scam = { $tone ->
    [con] Có ai xin tiền hay mật khẩu của con không?
    [em] Em đã lỡ gửi tiền hay mật khẩu?
   *[ban] Bạn đã lỡ gửi tiền, mật khẩu hay mã xác nhận?
}
panel-scam-more = { $tone ->
    [con] Con không có lỗi. Con đừng gửi gì cả và kể ngay với người lớn.
    [em] Em không có lỗi, ai cũng có thể bị lừa. Kể ngay với người lớn trong nhà, đổi mật khẩu, đừng gửi thêm tiền.
   *[ban] Không phải lỗi của bạn, ai cũng có thể bị lừa. Đừng gửi thêm, báo ngay cho ngân hàng, đổi mật khẩu và giữ lại tin nhắn.
}
panel-selfharm = { $tone ->
    [con] Con đang buồn lắm phải không?
    [em] Em đang thấy rất buồn?
   *[ban] Bạn đang thấy quá nặng lòng?
}
panel-selfharm-more = { $tone ->
    [con] Con không ở một mình đâu. Con kể với một người lớn mà con thương, hoặc gọi 111. Luôn có người nghe con.
    [em] Em không ở một mình đâu. Nói ra sẽ nhẹ hơn: kể với người em tin, hoặc gọi 111, miễn phí, cả ngày lẫn đêm. Nếu đang nguy hiểm, gọi 115.
   *[ban] Bạn không ở một mình. Nói ra sẽ nhẹ hơn: kể với người bạn tin, hoặc gọi 111, miễn phí, cả ngày lẫn đêm. Nếu đang nguy hiểm, gọi 115.
}

## Trang nhà

home-hello = Chào { $name }
home-stranger = Chào bạn
home-stranger-more = Thiết bị này chưa được ghi là của ai, nên đang dùng quy tắc chung của gia đình. Người chăm sóc có thể ghi lại.
home-on = Bộ lọc đang bật
home-now = Lúc này
home-free = Không có giờ giấc nào đang giữ. Những nhóm khóa theo lứa tuổi vẫn khóa.
home-grant = Đang mở: { $what }
home-budgets = Thời gian còn lại hôm nay
home-left = còn { $left } trong { $of } phút
home-stopped = Vừa được chặn trên thiết bị này
home-stopped-more = Danh sách này tự mất sau mười phút.
home-ask = Hỏi
home-asked = { $tone ->
    [con] Con đã hỏi
    [em] Em đã hỏi
   *[ban] Bạn đã hỏi
}
answer-waiting = Đang chờ
answer-yes = Được
answer-yes-until = Được, đến { $until }
answer-no = Chưa được
answer-expired = Chưa ai trả lời
answer-reason = Người lớn nói: { $reason }

## Ai thấy được gì

who-title = Ai thấy được gì?
who-title-young = Bố mẹ thấy gì?
who-see = Bố mẹ thấy
who-see-young = Tên những trang không mở được, và trang đó thuộc nhóm nào.
who-kept = Giữ lại bao lâu
who-kept-young = Bảy ngày, rồi xóa.
who-never = Không ai thấy
who-never-young = Những trang con đã mở được. Lúc con tìm người giúp. Chuyện sức khỏe.
who-guardian = Người chăm sóc thấy
who-sees-10-12 = Mỗi ngày có bao nhiêu lần chặn trong từng nhóm. Tên trang chỉ khi em hỏi xin mở.
who-sees-13-15 = Mỗi tuần có bao nhiêu lần chặn trong từng nhóm, và cảnh báo an toàn. Tên trang chỉ khi bạn hỏi xin mở.
who-sees-16-17 = Chỉ cảnh báo an toàn, không kèm tên trang. Khi bạn hỏi xin mở: nhóm nội dung và điều bạn viết.
who-sees-18 = Không thấy gì về bạn, trừ cảnh báo an toàn không kèm tên trang.
who-kept-counts = Số đếm được giữ 30 ngày, rồi xóa.
who-kept-nothing = Không giữ gì ngoài những câu bạn đã hỏi.
who-you = { $tone ->
    [con] Con thấy
    [em] Còn em thấy
   *[ban] Còn bạn thấy
}
who-you-10-12 = Chính những điều này: số lần chặn theo nhóm, những câu em đã hỏi và câu trả lời.
who-you-13-15 = Tất cả những gì người chăm sóc thấy, trên cùng một màn hình.
who-you-16 = Toàn bộ dữ liệu của bạn, và bạn toàn quyền với dữ liệu đó.
who-never-help = Việc bạn tìm nơi giúp đỡ.
who-never-health = Trang về sức khỏe và giáo dục giới tính.
who-never-allowed = Tên những trang đã mở được.
who-never-sealed = Nội dung được niêm phong.
who-sign = Bộ lọc đang bật. Khi bộ lọc bật, trang này luôn nói điều đó.

## Nơi giúp đỡ

help-title = Nơi giúp đỡ
help-more = Bạn không có lỗi khi cần được giúp. Những số này gọi được bất cứ lúc nào có mạng điện thoại.
help-here = Ở nơi mình sống
help-elsewhere = Ở nước khác
help-private = Mở trang này hay những trang giúp đỡ không để lại dấu vết nào trong chương trình. Không ai trong nhà thấy được ở đây.

## Sau khi hỏi

sent-asked = Đã gửi câu hỏi
sent-asked-more = { $tone ->
    [con] Người lớn sẽ trả lời con ở trang nhà. Trong lúc chờ, con xem trang khác nhé.
    [em] Câu trả lời sẽ hiện ở trang nhà của em, kèm lý do.
   *[ban] Câu trả lời sẽ hiện ở trang nhà của bạn, kèm lý do.
}
sent-reported = Đã báo khóa nhầm
sent-reported-more = { $tone ->
    [con] Cảm ơn con. Người lớn sẽ xem lại.
    [em] Cảm ơn em. Người lớn trong nhà sẽ xem lại.
   *[ban] Cảm ơn bạn. Người chăm sóc sẽ xem lại.
}
sent-waits = Câu hỏi này đang chờ
sent-waits-more = Đã có người nhận câu hỏi này, không cần gửi lại.
sent-too-many = Chờ một chút nhé
sent-too-many-more = Vừa có nhiều câu hỏi trong một giờ. Lát nữa hãy hỏi tiếp, hoặc hỏi thẳng người lớn trong nhà.

## Mã một lần

code-link = Có mã của người chăm sóc?
code-title = Mã một lần
code-more = Người chăm sóc ở xa có thể đọc cho một mã dùng một lần. Nhập mã thì được mở thêm một lúc.
code-label = Mã gồm các chữ số
code-send = Mở
code-opened = Đã mở đến { $until }.
code-wrong = { $tone ->
    [con] Mã chưa đúng. Con hỏi lại mã mới nhé.
    [em] Mã chưa đúng hoặc đã dùng rồi. Em hỏi lại mã mới nhé.
   *[ban] Mã chưa đúng hoặc đã dùng rồi. Hãy xin mã mới.
}
code-too-many = Đã thử nhiều lần. Vài phút nữa hãy thử lại.

## Thời điểm và quyền tạm

tomorrow-at = { $time } ngày mai
hold-more-time = Thêm giờ
hold-asked-page = Một trang đã hỏi
